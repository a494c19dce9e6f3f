"""Passwords: generated ones, and those that stand in a file.

Generated ones are easy to read aloud, write down and type on any keyboard:
sixteen syllables of a consonant and a vowel, in four groups: "badokilu-nemavoti-…". Left out are the
consonants that are heard as another (c and q as k, j as g, s between French vowels as z, w as v, x, y) or not
at all (h).
"""

from __future__ import annotations

import os
import sys
from typing import Final

from client.errors import N_, ClientError
from keys.randomness import random_bytes

CONSONANTS: Final = "bdfgklmnprtvz"
VOWELS: Final = "aeiou"
SYLLABLES: Final = tuple(consonant + vowel for consonant in CONSONANTS for vowel in VOWELS)
GROUPS: Final = 4
SYLLABLES_PER_GROUP: Final = 4
ENTROPY_BITS: Final = 96
"""16 syllables out of 65 each: 16 · log2(65) = 96.36 bits."""

_MAX_FILE: Final = 1026
# The largest multiple of 65 below 256: bytes from here on are drawn again, so that no syllable is favoured.
_FAIR: Final = 256 - 256 % len(SYLLABLES)


def generate_password() -> str:
    """Return a fresh password of 35 characters and 96 bits of entropy."""
    groups = ("".join(_syllable() for _ in range(SYLLABLES_PER_GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def read_password(path: str) -> str:
    """Return the password in a file (or "-", stdin): all of it but one line end at the end.

    Raises:
        ClientError: it is empty, too long, or not UTF-8.
        OSError: it is not there or cannot be read.
    """
    if path == "-":
        data = sys.stdin.buffer.read(_MAX_FILE + 1)
    else:
        # Opened by number: a named pipe or /dev/fd/3 works as well as a file.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - a descriptor
            data = file.read(_MAX_FILE + 1)
    try:
        password = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        password = ""
    if not password or len(data) > _MAX_FILE:
        raise ClientError(
            N_("{path}: this file holds no password; it must have 1 to 1024 bytes of UTF-8"), path=path
        )
    return password


def _syllable() -> str:
    while (draw := random_bytes(1)[0]) >= _FAIR:
        pass
    return SYLLABLES[draw % len(SYLLABLES)]
