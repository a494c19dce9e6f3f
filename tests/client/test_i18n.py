import gettext

import pytest

from client.i18n import install, preferred_language


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_CA.ISO-8859-1"}, "fr"),
        ({"LANG": "fr@euro"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "fro_FR.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": ""}, "fr"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "fr:en"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "en:fr"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "de:es"}, "fr"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "fr"}, "en"),
        ({"LC_ALL": "POSIX", "LANGUAGE": "fr"}, "en"),
        ({"LANGUAGE": "fr"}, "fr"),
    ],
)
def test_the_locale_decides_as_in_gnu_gettext(environment, language):
    assert preferred_language(environment) == language


def test_the_choice_is_left_where_the_standard_library_looks(monkeypatch):
    environment = {"LANG": "fr_FR.UTF-8", "LANGUAGE": "en:fr"}
    assert install(environment) == "en"
    assert environment["LANGUAGE"] == "en"


def test_our_texts_and_those_of_click_are_found_in_one_catalogue(monkeypatch):
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    # Set once before `install` does, so that it is put back.
    monkeypatch.setenv("LANGUAGE", "")
    install()
    assert gettext.gettext("interrupted") == "interrompu"
    assert gettext.gettext("Show this message and exit.") == "Montrer ce message et quitter."
