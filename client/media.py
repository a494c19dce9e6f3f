"""What a file is, by its content, and which kinds each evidence type takes. The one home of python-magic.

libmagic comes from a wheel (pylibmagic). python-magic would look for a system library first, and on Linux run
gcc and ld to find one; it is pointed at the wheel's file instead, without importing pylibmagic, which would
change the process's environment and costs more start-up time than libmagic itself.
"""

# pathlib would cost start-up time.
# ruff: noqa: PTH113, PTH118, PTH120, PTH123
from __future__ import annotations

import json
import os
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client.errors import N_, ClientError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD: Final = 1024 * 1024
"""How many bytes from the start of a file are looked at."""

UNKNOWN: Final = "application/octet-stream"
EMPTY: Final = "application/x-empty"
RESERVED: Final = "template"

_LIBRARIES: Final = ("libmagic.so.1", "libmagic.dylib", "libmagic.1.dylib", "libmagic-1.dll", "magic1.dll")
_DATABASE: Final = "magic.mgc"
_CHANGED_BY_PYLIBMAGIC: Final = ("MAGIC", "PATH", "LIBRARY_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Recognised(NamedTuple):
    """What a file is.

    Attributes:
        media_type: what is recorded: the content's type, made more precise by the extension where both agree.
        announced: the type that the extension stands for, if the content disagrees with it; else empty.
    """

    media_type: str
    announced: str


@cache
def _rules() -> dict[str, dict[str, list[str]]]:
    with open(os.path.join(os.path.dirname(__file__), "evidence_types.json"), encoding="utf-8") as file:
        rules: dict[str, dict[str, list[str]]] = json.load(file)
    return rules


def evidence_types() -> tuple[str, ...]:
    """Return the names of the evidence types that there are rules for."""
    return tuple(_rules()["types"])


def allowed_types(evidence_type: str) -> tuple[str, ...]:
    """Return the media types that ``evidence_type`` takes; "*/*" stands for any.

    Raises:
        UsageProblem: there is no such evidence type.
    """
    rules = _rules()
    if evidence_type not in rules["types"]:
        raise UsageProblem(
            N_("there is no evidence type {type}; choose one of {types}"),
            type=evidence_type,
            types=", ".join(evidence_types()),
        )
    families = rules["types"][evidence_type]
    return tuple(dict.fromkeys(kind for family in families for kind in rules["families"][family]))


def extensions_for(evidence_type: str) -> tuple[str, ...]:
    """Return the usual extensions of what ``evidence_type`` takes, for people; empty if it takes anything."""
    allowed = allowed_types(evidence_type)
    return tuple(name for name, kinds in _rules()["extensions"].items() if kinds[0] in allowed)


def recognise(name: str, head: bytes) -> Recognised:
    """Tell what a file is.

    Args:
        name: the file's name, for its extension.
        head: the file's first `HEAD` bytes (all of them, if it is shorter).
    """
    content = _recogniser()(head) if head else EMPTY
    kinds = _rules()["extensions"].get(_extension(name))
    if kinds is None:
        return Recognised(content, "")
    if content in kinds or f"{content.partition('/')[0]}/*" in kinds:
        return Recognised(kinds[0], "")
    return Recognised(content, kinds[0])


def check_allowed(name: str, recognised: Recognised, evidence_type: str) -> None:
    """Refuse a file that is not of a kind which ``evidence_type`` takes.

    Raises:
        ClientError: what was recognised, what would be taken, and how to seal it nevertheless.
        UsageProblem: there is no such evidence type.
    """
    allowed = allowed_types(evidence_type)
    if recognised.media_type in allowed or "*/*" in allowed:
        return
    raise ClientError(
        N_(
            "{name}: recognised as {found}, but evidence of type {type} is one of: {allowed}; "
            "choose another type, or seal it nevertheless with --any-content"
        ),
        name=name,
        found=recognised.media_type,
        type=evidence_type,
        allowed=", ".join(extensions_for(evidence_type)),
    )


def _extension(name: str) -> str:
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot and stem else ""


@cache
def _recogniser() -> Callable[[bytes], str]:
    """Load libmagic and its database from the wheel and return what tells a media type from bytes."""
    folder = _wheel_folder()
    library = next((path for name in _LIBRARIES if os.path.isfile(path := os.path.join(folder, name))), None)
    magic = _import_pointed_at(library) if library else _import_by_environment()
    engine = magic.Magic(mime=True, magic_file=os.path.join(folder, _DATABASE))
    recognised: Callable[[bytes], str] = engine.from_buffer
    return recognised


def _wheel_folder() -> str:
    spec = find_spec("pylibmagic")
    if spec is None or not spec.submodule_search_locations:
        raise ClientError(N_("pylibmagic is not installed; install scelle again with its dependencies"))
    return spec.submodule_search_locations[0]


def _import_pointed_at(library: str) -> Any:
    """Import python-magic so that the only library it finds is ``library``.

    It asks ``ctypes.util`` for one, a module that takes longer to import than python-magic itself; a stand-in
    answers instead.
    """
    name = "ctypes.util"
    before = sys.modules.get(name)
    stand_in: Any = ModuleType(name)
    stand_in.find_library = lambda _name: library
    sys.modules[name] = stand_in
    try:
        return import_module("magic")
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def _import_by_environment() -> Any:
    """Import python-magic the way pylibmagic means it, and put the environment back."""
    before = {name: os.environ.get(name) for name in _CHANGED_BY_PYLIBMAGIC}
    try:
        import_module("pylibmagic")
        magic = import_module("magic")
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return magic
