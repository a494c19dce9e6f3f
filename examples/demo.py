"""The whole story with the real command and a real server: ``make demo``.

Every actor has a folder of its own and works in it with ``scelle``, as people would. Nothing is simulated:
what is printed is what was typed and what came back.

    python examples/demo.py [--folder DIR] [--log-size MIB]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final, NamedTuple

from client.remote.parts import FROM as PARTS_FROM

sys.path.insert(0, str(Path(__file__).parent))
from canaries import Secrets, holds
from documents import AIPD, MIB, RISKS, TERMS, write_log, write_pdf, write_xlsx
from stage import Actor, Server, act, bold, note, tr

DOSSIER: Final = "2801-iris-ios"
EDITOR: Final = "a.martin"
ACCESS: Final = ("--template", "dossier.scelle", "--username", EDITOR, "--password-file", "password.txt")


class Finding(NamedTuple):
    """One line of the summary: who tried what, and whether it opened."""

    who: str
    what: str
    opened: bool


class Story:
    """The main job from end to end; each method is one act."""

    def __init__(self, folder: Path, server: Server, *, log_size: int) -> None:
        self.folder = folder
        self.server = server
        self.log_size = log_size
        self.admin, self.portal, self.editor, self.durand, self.roy, self.auditor = (
            Actor(name, folder) for name in ("admin", "portal", "editor", "durand", "roy", "auditor")
        )
        self.secrets = Secrets(folder, server.data)
        self.findings: list[Finding] = []
        self.proof = ""
        self.code: Any = None

    def tell(self) -> None:
        """Play all acts in order."""
        self.found_the_house()
        self.let_people_in()
        self.open_a_dossier()
        self.seal_and_deposit()
        self.replace_and_list()
        self.review()
        self.refuse()
        self.audit()
        self.show_what_the_server_has()
        self.sum_up()

    def found_the_house(self) -> None:
        act("An admin founds the house", "Un administrateur fonde la maison")
        note(
            "The authority is one key that everybody trusts; it stays offline. The recovery key is split "
            "into three shares, two of which open everything.",
            "L'autorité est la clé à laquelle tous se fient ; elle reste hors ligne. La clé de secours est "
            "partagée en trois, et deux parts ouvrent tout.",
        )
        made = Actor("host", self.folder).asks("admin", "create", "lefevre", "--data", str(self.server.data))
        self.admin.keeps("admin.token", made["token"])
        self.code = made
        self.admin.types("login", self.server.url, "--token-file", "admin.token")
        self.admin.types("authority", "create", "-o", "authority.key", "--no-passphrase")
        self.admin.types("recovery-key", "create", "-o", "recovery.pub", "--out-dir", "shares")
        self.admin.types(
            "authority", "publish", "--authority", "authority.key", "--recovery", "recovery.pub",
            "--fingerprint", self.server.fingerprint,
        )  # fmt: skip
        self.admin.types("trust", "export", "-o", "trust.json")

    def let_people_in(self) -> None:
        act("People and programs are let in", "On fait entrer personnes et programmes")
        note(
            "Each makes its own key pair; the admin hears the fingerprint read aloud and habilitates it.",
            "Chacun crée sa paire de clés ; l'administrateur entend lire l'empreinte et l'habilite.",
        )
        self.admin.types("org", "create", "Iris Santé", "--quota", "50GiB")
        self.enrol(self.admin, "lefevre", self.code)
        created = self.admin.asks(
            "account", "create", "convergence", "--role", "portal", "--org", "Iris Santé"
        )
        self.enrol(self.portal, "convergence", created, use="service")
        for reviewer in (self.durand, self.roy):
            created = self.admin.asks("account", "create", reviewer.name, "--role", "reviewer")
            self.enrol(reviewer, reviewer.name, created)
        self.admin.asks("account", "create", "cour-des-comptes", "--role", "auditor")
        for actor, account in ((self.portal, "convergence"), (self.auditor, "cour-des-comptes")):
            self.admin.types(
                "token", "create", "--account", account, "--label", "demo", "-o", f"{actor.name}.token"
            )
            actor.gets(self.admin.folder / f"{actor.name}.token")
            actor.gets(self.admin.folder / "trust.json")
            actor.types(
                "login", self.server.url, "--token-file", f"{actor.name}.token", "--trust", "trust.json"
            )
        for reviewer in (self.durand, self.roy):
            reviewer.gets(self.admin.folder / "trust.json")
            reviewer.types("login", self.server.url, "--identity", "me.key", "--trust", "trust.json")

    def enrol(self, actor: Actor, account: str, created: Any, *, use: str = "person") -> None:
        """Make a key, tie it to the account, and have the authority habilitate it."""
        actor.keeps("code.txt", created["enrolment_code"])
        actor.types("keygen", "-o", "me.key", "--no-passphrase", "--use", use)
        enrolled = actor.asks(
            "enrol", "--server", self.server.url, "--identity", "me.key", "--code-file", "code.txt"
        )
        self.admin.types(
            "habilitate", account, "--authority", "authority.key", "--fingerprint", enrolled["fingerprint"]
        )

    def open_a_dossier(self) -> None:
        act("The portal opens a dossier", "Le portail ouvre un dossier")
        note(
            "The dossier's key is made here, wrapped to the admin and to one reviewer, and forgotten.",
            "La clé du dossier est créée ici, confiée à l'administrateur et à une évaluatrice, puis oubliée.",
        )
        self.portal.types(
            "dossier", "create", DOSSIER, "--product", "Carnet Santé Iris iOS Mobile", "--version", "4.2",
            "--procedure", "Référencement guidé", "--admin", "lefevre", "--reviewer", "durand",
            "--identity", "me.key",
        )  # fmt: skip
        made = self.portal.asks(
            "template", "make", DOSSIER, "--username", EDITOR, "--password-out", "password.txt",
            "--identity", "me.key",
        )  # fmt: skip
        self.editor.gets(self.portal.folder / "password.txt")
        self.editor.types("template", "fetch", made["link"], "-o", "dossier.scelle")

    def seal_and_deposit(self) -> None:
        act("The editor seals and deposits", "L'éditeur scelle et dépose")
        note(
            "A user name and a password are all it has. The server gets the container, never a key.",
            "Un identifiant et un mot de passe lui suffisent. Le serveur reçoit le conteneur, jamais de clé.",
        )
        folder = self.editor.folder
        write_pdf(folder / "aipd.pdf", AIPD)
        write_xlsx(folder / "risques.xlsx", RISKS)
        (folder / "cgu.txt").write_text(TERMS, encoding="utf-8")
        write_log(folder / "acces.log", self.log_size)
        self.seal("aipd-1.scelle", "aipd", "aipd.pdf", "risques.xlsx")
        note(
            "This is all that the server, or any stranger, can see of it:",
            "Voici tout ce que le serveur, ou n'importe qui, peut en voir :",
        )
        self.editor.types("inspect", "aipd-1.scelle")
        self.proof = self.deposit("aipd-1.scelle")["evidence"]
        self.seal("cgu.scelle", "cgu", "cgu.txt")
        self.deposit("cgu.scelle")
        self.seal("securite.scelle", "securite", "acces.log")
        if self.log_size >= PARTS_FROM:
            note(
                "Large containers go in parts. This upload is killed on its way; the next sends the rest.",
                "Les grands conteneurs partent en parties. Cet envoi est tué en route ; le suivant l'achève.",
            )
            self.editor.is_killed("deposit", "securite.scelle", *ACCESS, once=self.much_has_arrived)
        self.deposit("securite.scelle")

    def much_has_arrived(self) -> bool:
        """Tell whether the server has taken more than half of the long log."""
        size = 0
        for path in self.server.data.rglob("*"):
            # Parts get other names while we look.
            with contextlib.suppress(FileNotFoundError):
                size += path.stat().st_size
        return size > self.log_size / 2

    def seal(self, output: str, evidence_type: str, *files: str, supersedes: str = "") -> None:
        """Seal files with the template."""
        more = ("--supersedes", supersedes) if supersedes else ()
        self.editor.types("seal", *files, "-o", output, *ACCESS, "--type", evidence_type, *more)

    def deposit(self, container: str, *, replaces: str = "") -> Any:
        """Deposit a container, keep the receipt beside it, and return what it says."""
        more = ("--replaces", replaces) if replaces else ()
        receipt = container.replace(".scelle", ".receipt")
        return self.editor.asks(
            "deposit",
            container,
            *ACCESS,
            "--receipt-out",
            receipt,
            *more,
            shows=("evidence", "journal_position"),
        )

    def replace_and_list(self) -> None:
        act(
            "A better AIPD replaces the first, which is archived",
            "Une meilleure AIPD remplace la première, archivée",
        )
        note(
            "The seal itself says what it supersedes. Nothing disappears.",
            "Le sceau dit lui-même ce qu'il remplace. Rien ne disparaît.",
        )
        write_pdf(self.editor.folder / "aipd.pdf", (*AIPD, "Mesure M13 : effacement à la clôture du compte"))
        self.seal("aipd-2.scelle", "aipd", "aipd.pdf", "risques.xlsx", supersedes="aipd-1.receipt")
        self.deposit("aipd-2.scelle", replaces=self.proof)
        self.editor.types("login", self.server.url, *ACCESS)
        self.editor.types("evidence", "list", DOSSIER)
        self.editor.types("evidence", "list", DOSSIER, "--type", "aipd", "--state", "archived")

    def review(self) -> None:
        act("The habilitated reviewer fetches and opens", "L'évaluatrice habilitée récupère et ouvre")
        self.durand.types("evidence", "list", DOSSIER, "--type", "aipd")
        self.durand.types("evidence", "fetch", self.proof, "-o", "aipd.scelle")
        self.durand.types("open", "aipd.scelle", "-o", "aipd", "--identity", "me.key")
        sealed = (self.editor.folder / "aipd.pdf").read_bytes()
        if (self.durand.folder / "aipd/aipd.pdf").read_bytes() != sealed:
            sys.exit("the reviewer got something else than the editor sealed")
        note(
            "That it opened is said to the service, signed: lists show what nobody has opened yet.",
            "Que la preuve s'ouvre est dit au service, signé : les listes montrent ce que nul n'a ouvert.",
        )
        self.durand.types("evidence", "opened", "aipd.scelle", "--identity", "me.key")
        self.durand.types("evidence", "list", DOSSIER, "--type", "aipd")
        self.find("durand, habilitated, with a grant", "durand, habilitée, avec un accès", opened=True)

    def refuse(self) -> None:
        act("Whoever may not is refused", "Qui n'a pas le droit est refusé")
        note(
            "roy is habilitated, but was not granted this dossier: for roy it is not there.",
            "roy est habilité, mais n'a pas accès à ce dossier : pour lui, il n'existe pas.",
        )
        self.roy.types("evidence", "fetch", self.proof, "-o", "aipd.scelle", expect=4)
        self.find("roy, from the server", "roy, par le serveur", opened=False)
        self.roy.gets(self.durand.folder / "aipd.scelle")
        self.roy.types("open", "aipd.scelle", "-o", "aipd", "--identity", "me.key", expect=3)
        self.find("roy, with a copy of the file", "roy, avec une copie du fichier", opened=False)

        self.editor.keeps("wrong.txt", "not-the-password")
        wrong = ("--username", EDITOR, "--password-file", "wrong.txt")
        self.editor.types("open", "aipd-2.scelle", "-o", "nothing", *wrong, expect=3)
        self.find("a wrong password", "un mauvais mot de passe", opened=False)

        tampered = self.durand.folder / "tampered.scelle"
        data = bytearray((self.durand.folder / "aipd.scelle").read_bytes())
        data[len(data) // 2] ^= 1
        tampered.write_bytes(data)
        self.durand.types("open", "tampered.scelle", "-o", "nothing", "--identity", "me.key", expect=5)
        self.find("a container with one bit changed", "un conteneur dont un bit a changé", opened=False)

        self.editor.types(
            "seal", "cgu.txt", "-o", "elsewhere.scelle", "--dossier", "2745-autre", "--type", "cgu",
            "--username", EDITOR, "--password-file", "password.txt",
        )  # fmt: skip
        self.send_to_another_dossier("elsewhere.scelle")
        self.find(
            "a container of another dossier, sent here", "un conteneur d'un autre dossier", opened=False
        )

        note(
            "The authority's word on durand is withdrawn: from now on the server hands nothing out.",
            "L'habilitation de durand est retirée : dès maintenant le serveur ne lui remet plus rien.",
        )
        self.admin.types("withdraw", "durand", "--authority", "authority.key", "--reason", "left")
        self.durand.types("evidence", "fetch", self.proof, "-o", "again.scelle", expect=3)
        self.find("durand, after the withdrawal", "durand, après le retrait", opened=False)

    def send_to_another_dossier(self, container: str) -> None:
        """Do what a confused program would: post a container to a dossier that it was not sealed for."""
        url = f"{self.server.url}/v1/dossiers/{DOSSIER}/evidence"
        token = (self.portal.folder / "portal.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/vnd.scelle"}
        body = (self.editor.folder / container).read_bytes()
        print(f"\n  {bold('portal')} POST {url} < {container}")
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()
        except urllib.error.HTTPError as refused:
            problem = json.loads(refused.read())
            print(f"    {refused.code} {problem['code']}: {problem['detail']}")
            if problem["code"] != "wrong_dossier":
                sys.exit("refused for another reason")
        else:
            sys.exit("a container of another dossier was taken")

    def audit(self) -> None:
        act(
            "The auditor checks the journal, the editor its receipt",
            "L'auditeur vérifie le journal, l'éditeur son reçu",
        )
        self.auditor.types("journal", "verify")
        self.editor.types("receipt", "verify", "aipd-2.receipt", "aipd-2.scelle")

    def show_what_the_server_has(self) -> None:
        act("What the server has", "Ce que le serveur possède")
        files = [path for path in self.server.data.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"    {len(files)} files, {size / MIB:.0f} MiB")
        for secret in self.secrets.everything():
            if any(holds(path, secret) for path in (*files, self.server.log)):
                sys.exit("the server has something that it must never have")
        note(
            "None of the documents, passwords, tokens and private keys is in its files, database or log. It"
            " sees the dossier, the kind of evidence, times, padded sizes, key ids of signer and readers.",
            "Aucun des documents, mots de passe, jetons et clés privées n'est dans ses fichiers, sa base ou"
            " son journal technique. Il voit le dossier, le type de preuve, les dates, des tailles arrondies"
            " et les identifiants des clés.",
        )

    def find(self, english: str, french: str, *, opened: bool) -> None:
        """Note who could open what."""
        self.findings.append(Finding(tr(english, french), tr("the AIPD", "l'AIPD"), opened))

    def sum_up(self) -> None:
        act("Who could open what", "Qui a pu ouvrir quoi")
        for finding in self.findings:
            result = tr("opened", "ouvert") if finding.opened else tr("refused", "refusé")
            print(f"    {result:9} {finding.who}")


def main() -> None:
    """Tell the story in a temporary folder, or in one that is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=None, help="where to work; it is kept")
    parser.add_argument("--log-size", type=int, default=200, help="of the long log, in MiB")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scelle-demo-")) if options.folder is None else options.folder
    folder.mkdir(exist_ok=True)
    try:
        with Server(folder) as server:
            Story(folder, server, log_size=options.log_size * MIB).tell()
    finally:
        if options.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
