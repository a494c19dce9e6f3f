"""Backups as docs/operations.md makes them, on both pairs of engines, and what is put into an empty place."""

import os
import re
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

from tests.crash.pairs import Embedded, Remote, RemoteSite, Site
from tests.house import ROOT

TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SECTION = TEXT.partition("\n## Backup and restore\n")[2].partition("\n## ")[0]
BACKUP_FOLDER, BACKUP_DATABASE, RESTORE_FOLDER, RESTORE_DATABASE = re.findall(
    r"```sh\n(.*?)```", SECTION, re.DOTALL
)


def type_in(lines, **variables) -> None:
    """Run lines of the document as they stand there."""
    path = f"{Path(sys.executable).parent}:{variables.pop('PATH', '')}:{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - our own lines
        [shutil.which("sh"), "-eu", "-c", lines],
        env={"PATH": path, "LC_ALL": "C.UTF-8", **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class OfFolder:
    """SQLite and a folder."""

    pair = Embedded
    engines = Embedded.engines

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count(1)
        self.live = Site(folder / "live")

    def dump(self, backup: Path) -> None:
        """Save the records, then the objects."""
        type_in(BACKUP_FOLDER, DATA=self.live.data, BACKUP=backup)

    def restore(self, backup: Path, objects: Path | None = None) -> Site:
        """Put a backup into an empty place; ``objects`` are those of another backup."""
        number = next(self._numbers)
        mixed, site = self._folder / f"mixed-{number}", Site(self._folder / f"restored-{number}")
        shutil.copytree((objects or backup) / "objects", mixed / "objects")
        for name in ("records.db", "server.key"):
            shutil.copy(backup / name, mixed)
        type_in(RESTORE_FOLDER, DATA=site.data, BACKUP=mixed)
        return site

    async def put_back(self, backup: Path, site: Site, key: str) -> None:
        """Put back one object, where the document says that it is."""
        name = Path(key[:2]) / key
        target = site.data / "store" / "objects" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(backup / "objects" / name, target)


class OfInstitution:
    """PostgreSQL and S3; a bucket is copied by a client of its own."""

    pair = Remote
    engines = Remote.engines

    def __init__(self, folder: Path, postgres, seaweed) -> None:
        self._folder, self._postgres, self._seaweed = folder, postgres, seaweed
        self._bucket, self._numbers = seaweed.new_bucket(), count(1)
        self._copies: dict[str, str] = {}
        self._database = postgres.new_database()
        self.live = self._site("live", self._database, self._bucket)

    def _site(self, name, database, bucket) -> RemoteSite:
        variables = {**self._seaweed.environment(bucket), "SCELLE_S3_PREFIX": "vault"}
        return RemoteSite(self._folder / name, self._postgres.url(database), database, variables)

    def _type_in(self, lines, **variables) -> None:
        type_in(lines, **self._postgres._environment() | {"PATH": self._postgres.programs} | variables)

    def dump(self, backup: Path) -> None:
        """Save the records, then the objects."""
        self._type_in(BACKUP_DATABASE, DATA=self.live.data, BACKUP=backup, DATABASE=self._database)
        self._copies[backup.name] = self._copied(self._bucket)

    def _copied(self, bucket) -> str:
        """Return a new bucket with everything that is whole in another one, as any tool would make it."""
        client, copy = self._seaweed.client(), self._seaweed.new_bucket()
        for one in list(client.list_objects(bucket, recursive=True)):
            self._copy(client, bucket, copy, one.object_name)
        return copy

    @staticmethod
    def _copy(client, source, target, name) -> None:
        with client.get_object(source, name) as answer:
            client.put_object(target, name, answer, int(answer.headers["Content-Length"]))

    def restore(self, backup: Path, objects: Path | None = None) -> RemoteSite:
        """Put a backup into an empty place; ``objects`` are those of another backup."""
        number = next(self._numbers)
        database = f"restored_{number}"
        bucket = self._copied(self._copies[(objects or backup).name])
        site = self._site(f"restored-{number}", database, bucket)
        site.bucket = bucket
        self._type_in(RESTORE_DATABASE, DATA=site.data, BACKUP=backup, DATABASE=database)
        return site

    async def put_back(self, backup: Path, site: RemoteSite, key: str) -> None:
        """Put back one object, where the document says that it is."""
        name = f"vault/objects/{key[:2]}/{key}"
        self._copy(self._seaweed.client(), self._copies[backup.name], site.bucket, name)
