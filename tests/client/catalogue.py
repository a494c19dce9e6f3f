"""Keeps the French catalogue in step with the code: run it after changing any text that a person reads.

    python tests/client/catalogue.py

It extracts all texts of the client, of the commands on a server's host and of click, keeps the translations
there are, drops what is not used any more, compiles the result, and names what is still to be translated in
messages.po.
"""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

CLIENT = Path(__file__).parents[2] / "client"
HOST = CLIENT.with_name("vault") / "server" / "commands"
PO = CLIENT / "locale" / "fr" / "LC_MESSAGES" / "messages.po"
MO = PO.with_suffix(".mo")

_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
# What changes from run to run would be noise in the history.
_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def extract() -> Catalog:
    """Return all texts in the code, untranslated."""
    template = Catalog(domain="messages", creation_date=_DATE)
    for folder in (CLIENT, HOST, Path(click.__file__).parent):
        found = extract_from_dir(str(folder), method_map=[("**.py", "python")], keywords=_KEYWORDS)
        for _file, _line, text, _comments, context in found:
            template.add(text, context=context)
    return template


def read() -> Catalog:
    """Return the French catalogue as it stands."""
    with PO.open("rb") as file:
        return read_po(file, locale="fr", domain="messages")


def renewed() -> tuple[bytes, bytes, list[str]]:
    """Return what the .po and .mo files should hold, and which texts are not translated."""
    catalogue = read() if PO.exists() else Catalog(locale="fr", domain="messages")
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.project, catalogue.version = "scelle", "1"
    catalogue.header_comment = "# French texts of the scelle command, and of click.\n"
    catalogue.creation_date = catalogue.revision_date = _DATE
    catalogue.last_translator, catalogue.language_team = "Scellé", "fr"
    catalogue.fuzzy = False
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalogue, width=100, no_location=True, sort_output=True)
    write_mo(mo, catalogue)
    missing = [str(message.id) for message in catalogue if message.id and not _translated(message)]
    return po.getvalue(), mo.getvalue(), missing


def _translated(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(forms) and not message.fuzzy


def main() -> None:
    """Write both files; end with 1 if something is not translated."""
    po, mo, missing = renewed()
    PO.write_bytes(po)
    MO.write_bytes(mo)
    for text in missing:
        sys.stderr.write(f"not translated: {text}\n")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
