"""From what went wrong to one line on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from gettext import gettext as _
from typing import Final

import click

from client.errors import N_, ClientError
from client.terminal import escape, say
from keys.errors import KeyMaterialError, WrongPassphraseError
from vault.container.outcomes import MisuseError

FAILED: Final = 1
ACCESS: Final = 3
NOT_FOUND: Final = 4
CONFLICT: Final = 6
INTERRUPTED: Final = 130

_SYSTEM: Final = {
    errno.ENOENT: N_("{path}: there is no such file or folder"),
    errno.ENOTDIR: N_("{path}: a file stands where a folder is needed"),
    errno.EISDIR: N_("{path}: this is a folder, not a file"),
    errno.EEXIST: N_("{path}: this exists already; choose another name, or --force to overwrite it"),
    errno.EACCES: N_("{path}: you may not read or write this"),
    errno.EPERM: N_("{path}: you may not read or write this"),
    errno.ENOSPC: N_("{path}: the disk is full"),
    errno.EDQUOT: N_("{path}: your share of the disk is full"),
    errno.EROFS: N_("{path}: this disk cannot be written to"),
    errno.ELOOP: N_("{path}: symbolic links are not followed here"),
    errno.ENAMETOOLONG: N_("{path}: this name is too long"),
}
_CODES: Final = {errno.ENOENT: NOT_FOUND, errno.EEXIST: CONFLICT}


def report(error: Exception) -> int:
    """Tell the person about ``error`` and return the exit code it stands for."""
    if os.environ.get("SCELLE_DEBUG"):
        import traceback  # noqa: PLC0415 - only where asked for

        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    message, code = _describe(error)
    say(message)
    return code


def describe_client_error(error: ClientError) -> str:
    """Return the translated sentence, every value in it made fit for a terminal."""
    values = {
        name: escape(value) if isinstance(value, str) else value for name, value in error.values.items()
    }
    sentence = _(error.template).format(**values)
    if error.report_as:
        return _("{sentence} (request {id})").format(sentence=sentence, id=escape(error.report_as))
    return sentence


def _describe(error: Exception) -> tuple[str, int]:
    match error:
        case ClientError():
            found = describe_client_error(error), error.exit_code
        case click.ClickException():
            found = _describe_usage(error), error.exit_code
        case click.Abort():
            found = _("interrupted"), INTERRUPTED
        case OSError():
            found = _describe_system(error)
        case WrongPassphraseError():
            found = _("the passphrase does not open this key; check it"), ACCESS
        case KeyMaterialError() | MisuseError():
            found = escape(str(error)), FAILED
        case _:
            text = _("unexpected error ({name}); run it again with SCELLE_DEBUG=1 and report what it prints")
            found = text.format(name=type(error).__name__), FAILED
    return found


def _describe_usage(error: click.ClickException) -> str:
    # click speaks in sentences; here a line has no capital, no full stop, and parts joined by semicolons.
    parts = [part[:1].lower() + part[1:] for part in escape(error.format_message()).rstrip(".").split(". ")]
    context = getattr(error, "ctx", None)
    if context is not None and not parts[-1].endswith("?"):
        parts.append(_("see {command} --help").format(command=context.command_path))
    message, *rest = parts
    for part in rest:
        message = _("{first}; {second}").format(first=message, second=part)
    return message


def _describe_system(error: OSError) -> tuple[str, int]:
    path = escape(os.fsdecode(error.filename)) if error.filename else _("the output")
    template = _SYSTEM.get(error.errno or 0)
    if template is not None:
        return _(template).format(path=path), _CODES.get(error.errno or 0, FAILED)
    return f"{path}: {_reason(error)}", FAILED


def _reason(error: OSError) -> str:
    import locale  # noqa: PLC0415 - only for what is not in the table

    try:
        locale.setlocale(locale.LC_MESSAGES, "")
    except locale.Error:
        sys.stderr.flush()
    return os.strerror(error.errno) if error.errno else escape(str(error))
