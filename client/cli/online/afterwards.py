"""What is left to do once somebody is shut out: said in one sentence, the same wherever that happens."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

from client.terminal import say

if TYPE_CHECKING:
    from collections.abc import Collection


def say_what_is_left(dossiers: Collection[str] = ()) -> None:
    """Say what the service's refusal does not undo, and which commands do.

    Args:
        dossiers: ids of those that they were shut out of, as far as these are known.
    """
    dossier = next(iter(dossiers)) if len(dossiers) == 1 else _("DOSSIER")
    text = _(
        "the service hands them nothing more, but whoever kept a key can still open what was sealed to it: "
        "scelle rotate dossier {dossier} closes new proofs and today's envelopes to them, scelle reencrypt "
        "{dossier} also the content that is sealed already, and nothing reaches a copy that they fetched"
    )
    say(text.format(dossier=dossier))
