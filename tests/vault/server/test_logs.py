import asyncio
import io
import json
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from vault.server.logs import LibraryHandler, logger, naming, reason

SECRET = "scelle_token_do_not_log"


def test_a_line_is_one_json_object():
    stream = io.StringIO()
    logger(stream).info("request", status=200, route="get_me")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["status"]) == ("request", "info", 200)
    assert line["time"].endswith("Z")


def test_a_line_for_people():
    stream = io.StringIO()
    logger(stream, form="text").info("request", status=200)
    assert "status=200" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_less_than_the_level_is_not_logged():
    stream = io.StringIO()
    logger(stream, level="error").warning("request")
    assert not stream.getvalue()


def fail():
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


def test_a_reason_has_types_and_places_but_no_text_and_no_folder():
    try:
        fail()
    except RuntimeError as error:
        found = reason(error)
    assert found["exception"] == ["RuntimeError", "ValueError"]
    assert found["where"][-1].endswith("fail")
    assert SECRET not in str(found)
    assert found["where"][-1].startswith("vault/server/")


def test_what_libraries_log_loses_its_text():
    stream = io.StringIO()
    handler, library = LibraryHandler(logger(stream)), logging.getLogger("some.library")
    library.addHandler(handler)
    try:
        fail()
    except RuntimeError:
        library.exception("request %s failed", SECRET)
    finally:
        library.removeHandler(handler)
    line = json.loads(stream.getvalue())
    assert (line["library"], line["exception"]) == ("some.library", ["RuntimeError", "ValueError"])
    assert SECRET not in stream.getvalue()


async def test_lines_bear_the_id_of_their_request_in_tasks_and_threads_too():
    stream = io.StringIO()
    log = logger(stream)

    async def serve(request_id):
        with naming(request_id):
            await asyncio.sleep(0)
            await asyncio.to_thread(log.info, request_id)
            await asyncio.create_task(asyncio.to_thread(log.info, request_id))
            log.info(request_id)

    await asyncio.gather(*(serve(f"request-{number}") for number in range(5)))
    log.info("none")
    written = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(written) == 16
    assert all(line["request_id"] == line["event"] for line in written[:-1])
    assert "request_id" not in written[-1]


def test_where_nothing_can_be_written_lines_are_lost_and_nothing_fails():
    with Path("/dev/full").open("wb", buffering=0) as full:
        stream = io.TextIOWrapper(full, write_through=True)
        with pytest.raises(OSError, match="No space left"):
            print("a line", file=stream, flush=True)
        log = logger(stream)
        log.info("lost")
        log.info("lost, too")
        with suppress(OSError):
            stream.detach()
