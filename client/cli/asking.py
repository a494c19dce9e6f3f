"""Passwords and passphrases: out of a file, or asked for on the terminal. Never from the command line."""

from __future__ import annotations

import os
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

from client.errors import N_, UsageProblem
from client.passwords import generate_password, read_password
from client.policies import GENERATED, require_choice, require_passwords, require_strong
from client.terminal import ask_new_secret, ask_secret, escape
from keys.derivation import normalise_username
from keys.errors import MalformedError

if TYPE_CHECKING:
    from keys.keyring import Identity
    from keys.signing import SigningKey
    from keys.tokenlock import TokenLock

PASSWORD_VARIABLE: Final = "SCELLE_PASSWORD_FILE"  # noqa: S105 - the name of a variable
PASSPHRASE_VARIABLE: Final = "SCELLE_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
PIN_VARIABLE: Final = "SCELLE_PIN_FILE"


def password_for(username: str, password_file: str | None) -> str:
    """Return the password of ``username``: from the file, the environment's file, or a prompt."""
    path = password_file or os.environ.get(PASSWORD_VARIABLE)
    if path:
        return read_password(path)
    return ask_secret(_("password for {username}:").format(username=escape(username)))


def new_password_for(username: str, password_file: str | None, *, policy: str | None) -> tuple[str, bool]:
    """Return a new password, and whether it was generated, which happens only where the policy wants it so.

    Otherwise it is chosen: out of a file, or typed twice.

    Raises:
        UsageProblem: the policy takes no such password.
    """
    path = password_file or os.environ.get(PASSWORD_VARIABLE)
    asked = path is None and policy != GENERATED
    return chosen_or_generated(username, path, ask=asked, policy=policy)


def passphrase_for(key_file: str, passphrase_file: str | None) -> str:
    """Return the passphrase of a key file."""
    path = passphrase_file or os.environ.get(PASSPHRASE_VARIABLE)
    if path:
        return read_password(path)
    return ask_secret(_("passphrase of {path}:").format(path=escape(key_file)))


def pin_for(token: str, pin_file: str | None) -> str:
    """Return the PIN of the token with the label ``token``.

    The environment has a variable of its own for it: a passphrase that is meant for other files would cost
    one of the few tries that a token gives.
    """
    path = pin_file or os.environ.get(PIN_VARIABLE)
    if path:
        return read_password(path)
    return ask_secret(_("PIN of the token {label}:").format(label=escape(token)))


def load_identity(key_file: str, passphrase_file: str | None) -> Identity:
    """Return the unlocked identity in ``key_file``, its passphrase or its token's PIN asked for."""
    from client.keyfiles import load_key  # noqa: PLC0415 - not every command unlocks a key

    def agree(lock: TokenLock) -> bytes:
        from client.tokens import agree as agree_with_token  # noqa: PLC0415 - few have a token

        return agree_with_token(lock, lambda token: pin_for(token, passphrase_file))

    return load_key(key_file, lambda: passphrase_for(key_file, passphrase_file), agree)


def load_sealer(key_file: str, passphrase_file: str | None) -> SigningKey:
    """Return the signing key in ``key_file``, which must be a person's, a portal's or a server's.

    Raises:
        UsageProblem: a key for another use.
    """
    from client.keyfiles import naming  # noqa: PLC0415 - as above
    from keys.keyfile import Use, require_use  # noqa: PLC0415 - as above

    identity = load_identity(key_file, passphrase_file)
    with naming(key_file):
        require_use(identity.public, Use.PERSON, Use.SERVICE)
    return identity.signing


def checked_username(username: str) -> str:
    """Return the one spelling of a user name.

    Raises:
        UsageProblem: not a user name.
    """
    try:
        return normalise_username(username)
    except MalformedError as error:
        raise UsageProblem(
            N_(
                "{username}: a user name has 1 to 128 characters, letters without accents, digits and "
                ". _ @ + -, and starts with a letter or digit"
            ),
            username=username,
        ) from error


def chosen_or_generated(
    username: str, password_file: str | None, *, ask: bool, policy: str | None
) -> tuple[str, bool]:
    """Return a new password, and whether it was generated (then the person must be shown it).

    Args:
        username: whose.
        password_file: where a chosen one stands.
        ask: whether the person is asked for one.
        policy: what is asked of new passwords for the dossier, None where that is not known.

    Raises:
        UsageProblem: the policy takes no such password.
    """
    require_passwords(policy)
    if not password_file and not ask:
        return generate_password(), True
    require_choice(policy)
    password = read_password(password_file) if password_file else _ask_new(username)
    require_strong(policy, password, username)
    return password, False


def _ask_new(username: str) -> str:
    prompt = _("new password for {username}:").format(username=escape(username))
    return ask_new_secret(prompt, _("the same again:"))
