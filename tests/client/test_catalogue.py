import re

from babel.messages.catalog import Message

from tests.client.catalogue import MO, PO, read, renewed

_PLACE = re.compile(r"\{[a-z_]*(?:![rs])?\}|%\([a-z]+\)s")


def test_every_text_is_translated_and_none_is_stale():
    po, mo, missing = renewed()
    assert missing == [], "run: python tests/client/catalogue.py"
    assert po == PO.read_bytes(), "run: python tests/client/catalogue.py"
    assert mo == MO.read_bytes(), "run: python tests/client/catalogue.py"


def _pairs() -> list[tuple[str, str]]:
    found = []
    for message in read():
        if message.id:
            found.extend(_of(message))
    return found


def _of(message: Message) -> list[tuple[str, str]]:
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    # Either form may name what the other does not: {possibility}, {possibilities}.
    return [(" ".join(message.id), form) for form in message.string]


def test_a_translation_names_nothing_that_its_source_does_not_name():
    for source, translation in _pairs():
        assert set(_PLACE.findall(translation)) <= set(_PLACE.findall(source)), source


def test_single_texts_keep_all_their_places():
    for message in read():
        if message.id and isinstance(message.id, str):
            assert sorted(_PLACE.findall(message.string)) == sorted(_PLACE.findall(message.id)), message.id


def test_punctuation_that_french_sets_off_never_begins_a_line():
    for _source, translation in _pairs():
        # The list of characters that file names may not have stands between ordinary spaces.
        assert not re.search(r" (?:;|!|»|\?)(?: |$)", translation.replace(': * ? "', "")), translation
