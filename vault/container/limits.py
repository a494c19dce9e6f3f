"""What a reader refuses before it allocates or derives. Source: docs/FORMAT.md, "Limits"."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

ENVELOPE: Final = 256 * KIB
"""Bytes of envelope_json and its signature: room for 64 slots of 2.5 KiB."""

SLOTS: Final = 64
PASSWORD_SLOTS: Final = 16
"""Each failed password costs one derivation whatever their number; this bounds the comparisons."""

SEAL: Final = 64 * KIB
WRITERS: Final = 8
RECOVERY_SLOTS: Final = 8

PAYLOAD: Final = 4 * 1024 * 1024 * MIB
"""4 TiB: the leaves of the largest payload then take 128 MiB."""

MANIFEST: Final = 16 * MIB
"""Bytes of the manifest's encrypted message: it is held in memory whole."""

FILES: Final = 20_000
RECIPIENTS: Final = 64
NOTE: Final = 4096
MEDIA_TYPE: Final = 127
"""RFC 6838, section 4.2: 127 characters for type and subtype each; we allow one field of 127 in all."""

PATH: Final = 1024
PATH_COMPONENT: Final = 255
PATH_DEPTH: Final = 32
