"""What a mandate allows, as it is typed: ``--type``, ``--no-replace``, ``--mandate-days``."""

from __future__ import annotations

from functools import wraps
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from client.cli.online.sizes import DAY
from client.cli.options import stacked
from client.errors import N_, UsageProblem
from client.media import evidence_types
from client.remote.opening import NewMandate
from vault.container.seal import is_evidence_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.cli.options import Decorator


class MandateOptions(NamedTuple):
    """What was typed."""

    evidence_types: tuple[str, ...]
    no_replace: bool
    mandate_days: int


def mandate_options() -> Decorator:
    """Take what a mandate allows; the command gets `MandateOptions` as ``mandate``."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def with_mandate(*args: Any, **kwargs: Any) -> None:
            given = {name: kwargs.pop(name) for name in MandateOptions._fields}
            function(*args, mandate=MandateOptions(**given), **kwargs)

        return stacked(
            click.option(
                "--type",
                "evidence_types",
                multiple=True,
                metavar=_("TYPE"),
                help=_("A kind of evidence that may be deposited; may be given again; by default all."),
            ),
            click.option("--no-replace", is_flag=True, help=_("Proofs may be added, but not replaced.")),
            click.option(
                "--mandate-days",
                type=click.IntRange(min=0),
                default=0,
                metavar=_("NUMBER"),
                help=_("How long the mandate stands; by default without end."),
            ),
        )(with_mandate)

    return decorate


def read_mandate(options: MandateOptions, *, label: str = "") -> NewMandate:
    """Return what the mandate is to say.

    Raises:
        UsageProblem: a kind of evidence that cannot be one.
    """
    for evidence_type in options.evidence_types:
        if not is_evidence_type(evidence_type):
            raise UsageProblem(
                N_("{type}: a kind of evidence has 1 to 64 characters of a-z, 0-9 and . _ -"),
                type=evidence_type,
            )
    return NewMandate(
        evidence_types=options.evidence_types or evidence_types(),
        may_replace=not options.no_replace,
        seconds=options.mandate_days * DAY,
        label=label,
    )
