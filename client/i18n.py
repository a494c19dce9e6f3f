"""In which language a person is spoken to: French or English, by the locale.

The catalogue is the standard library's default domain, "messages", so that click's own texts are found in it
too. English is the source and needs no catalogue.
"""

from __future__ import annotations

import gettext
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

DOMAIN: Final = "messages"
FOLDER: Final = os.path.join(os.path.dirname(__file__), "locale")  # noqa: PTH118, PTH120 - pathlib costs start-up time
LANGUAGES: Final = ("en", "fr")


def preferred_language(environment: Mapping[str, str]) -> str:
    """Return "fr" or "en" by LANGUAGE, LC_ALL, LC_MESSAGES and LANG.

    As in GNU gettext the locale decides first: in the C locale nothing is translated, and otherwise LANGUAGE
    (a list, best first) goes before the locale's own language. Where no locale is set, LANGUAGE alone counts.
    """
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    if locale.partition(".")[0] in {"C", "POSIX"}:
        return "en"
    wishes = [*environment.get("LANGUAGE", "").split(":"), locale]
    for wish in wishes:
        language = wish[:2].lower()
        if language in LANGUAGES and not wish[2:3].isalpha():
            return language
    return "en"


def install(environment: MutableMapping[str, str] | None = None) -> str:
    """Bind the catalogue for this process and return the language.

    LANGUAGE is set to what was decided: the standard library does not know that English needs no catalogue,
    and would answer "en:fr" in French.
    """
    environment = os.environ if environment is None else environment
    language = preferred_language(environment)
    environment["LANGUAGE"] = language
    gettext.bindtextdomain(DOMAIN, FOLDER)
    gettext.textdomain(DOMAIN)
    return language
