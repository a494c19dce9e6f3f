"""Argon2id that remembers: people in tests type the same passwords again and again."""

from functools import cache

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


@cache
def _derive(password, **options):
    return Argon2id(**options).derive(password)


class RememberingArgon2id:
    """`Argon2id` as far as it is used, with a memory."""

    def __init__(self, **options) -> None:
        self._options = options

    def derive(self, password: bytes) -> bytes:
        return _derive(password, **self._options)
