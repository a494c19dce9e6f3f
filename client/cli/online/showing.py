"""Versions of proofs, as they are printed."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

from client.cli.output import print_json, print_pairs, print_table, show_size, show_time
from vault.api.models.evidence import Opened, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.api.models.evidence import Evidence, Version


def show_versions(versions: Sequence[Version], *, as_json: bool) -> None:
    """Print a table of versions, or a list."""
    if as_json:
        print_json([version.model_dump(mode="json") for version in versions])
    elif versions:
        print_table([_row(version) for version in versions])


def show_proof(proof: Evidence, *, as_json: bool) -> None:
    """Print one proof with all its versions."""
    if as_json:
        print_json(proof.model_dump(mode="json"))
        return
    print_pairs(
        [
            (_("proof"), proof.id),
            (_("dossier"), proof.dossier),
            (_("kind of evidence"), proof.evidence_type),
            (_("state"), _state(proof.state)),
            (_("seal id"), proof.seal_id),
        ]
    )
    print_table([_row(version) for version in proof.versions])
    for version in proof.versions:
        if version.depositor is not None and version.supersedes is not None:
            label = _("version {number}, re-encrypted from").format(number=version.number)
            print_pairs([(label, version.supersedes), (_("deposited by"), version.depositor)])


def _row(version: Version) -> tuple[str, ...]:
    return (
        version.evidence,
        _("version {number}").format(number=version.number),
        version.evidence_type,
        _state(version.state) if version.erased is None else _("erased"),
        show_time(version.deposited),
        show_size(version.size),
        _opened(version.opened),
    )


def _state(state: State) -> str:
    return {State.ACTIVE: _("active"), State.ARCHIVED: _("archived")}[state]


def _opened(opened: Opened) -> str:
    return {
        Opened.UNKNOWN: _("not opened yet"),
        Opened.OPENED: _("opened"),
        Opened.COMPLAINT: _("did not open"),
    }[opened]
