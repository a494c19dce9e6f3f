"""Passwords that cost little: people in tests type the same ones again and again."""

from functools import cache

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from client.remote.owning import Owning
from client.remote.templating import make_template, seal_template
from keys.derivation import DEFAULT_COST
from tests.keys.people import CHEAP
from vault.container.sealing import SealRequest


@cache
def _derive(password, **options):
    return Argon2id(**options).derive(password)


class RememberingArgon2id:
    """`Argon2id` as far as it is used, with a memory."""

    def __init__(self, **options) -> None:
        self._options = options

    def derive(self, password: bytes) -> bytes:
        return _derive(password, **self._options)


def stretch_little(patch) -> None:
    """Have new passwords stretched with the least costs where a command names none."""
    for made in (SealRequest.__new__, make_template, seal_template, Owning.__init__):
        defaults = tuple(CHEAP if one is DEFAULT_COST else one for one in made.__defaults__ or ())
        named = {
            key: CHEAP if one is DEFAULT_COST else one for key, one in (made.__kwdefaults__ or {}).items()
        }
        patch.setattr(made, "__defaults__", defaults or None)
        patch.setattr(made, "__kwdefaults__", named or None)
