"""Which paths a container may hold: the same names must be safe on every file system.

Source: docs/FORMAT.md, "Paths". The list of code points is fixed here because Unicode versions differ between
languages; a new one would be a new version of the format.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from vault.container import limits
from vault.container.outcomes import ContainerError, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

# Categories Cc, Cf, Zl, Zp, Cs and Co as of Unicode 17.0, as inclusive ranges.
FORBIDDEN_RANGES: Final = (
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x206F),
    (0xD800, 0xF8FF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
    (0xF0000, 0xFFFFD),
    (0x100000, 0x10FFFD),
)

_FORBIDDEN: Final = re.compile(
    "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in FORBIDDEN_RANGES) + r'\\:*?"<>|]'
)

# Windows opens a device for these names whatever follows the first dot, and ignores spaces before that dot.
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\..*)?",
    re.IGNORECASE | re.ASCII,
)


def check_path(path: str) -> None:
    """Refuse a path that could leave its folder or mean something else on another system.

    Raises:
        ContainerError: unsafe_path.
    """
    reason = _why_unsafe(path)
    if reason is not None:
        raise ContainerError(Outcome.UNSAFE_PATH, f"a path {reason}")


def check_tree(paths: Iterable[str]) -> None:
    """Refuse paths that cannot stand beside each other: equal in NFC, or one a folder of another.

    Raises:
        ContainerError: unsafe_path.
    """
    # With the separator below every other character, what lies in a folder stands right after its name.
    names = sorted(unicodedata.normalize("NFC", path).replace("/", "\0") for path in paths)
    for name, following in pairwise(names):
        if name == following:
            raise ContainerError(Outcome.UNSAFE_PATH, "two files have the same path")
        if following.startswith(name + "\0"):
            raise ContainerError(Outcome.UNSAFE_PATH, "a file is also the folder of another")


def why_unsealable(path: str) -> str | None:
    """Return why a writer refuses ``path`` although a reader might not, or None.

    Code points that this Python's Unicode does not know are refused: what they will be is not known.
    """
    reason = _why_unsafe(path)
    if reason is None and any(unicodedata.category(character) == "Cn" for character in path):
        reason = "contains a character that is not assigned yet"
    return reason


def fold(path: str) -> str:
    """Return NFC(casefold(NFC(path))): two files whose paths fold alike are not sealed together."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_sealable_tree(paths: Iterable[str]) -> None:
    """Refuse what `check_tree` refuses, and also what some file system takes for the same path.

    Raises:
        ContainerError: unsafe_path.
    """
    check_tree(fold(path) for path in paths)


def _why_unsafe(path: str) -> str | None:  # noqa: PLR0911 - one return for each reason reads best
    if len(path) > limits.PATH or len(path.encode("utf-8", "surrogatepass")) > limits.PATH:
        return f"is longer than {limits.PATH} bytes"
    if _FORBIDDEN.search(path):
        return "contains a character that is not allowed"
    components = path.split("/")
    if len(components) > limits.PATH_DEPTH:
        return f"is deeper than {limits.PATH_DEPTH} folders"
    for component in components:
        if component in {"", ".", ".."}:
            return "is absolute, empty or leaves its folder"
        if len(component.encode()) > limits.PATH_COMPONENT:
            return f"has a name longer than {limits.PATH_COMPONENT} bytes"
        if component[-1] in ". ":
            return "has a name that ends in a dot or a space"
        if _DEVICE.fullmatch(component):
            return "has a name that Windows keeps for a device"
    return None
