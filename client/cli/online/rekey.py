"""``scelle rotate reviewer``: one's own key hands over to the next one, and one's grants go along."""

from __future__ import annotations

import os
import time
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from client.cli.asking import load_identity
from client.cli.failure import describe_client_error
from client.cli.keygen import next_key_options, write_next_key
from client.cli.online.bulk import Unfinished, agree, dry_option, yes_option
from client.cli.online.connection import known_service, reach, server_option, wait_for
from client.cli.online.identities import identity_options, own_path
from client.cli.online.trusting import renew_pin
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs
from client.cli.style import command
from client.errors import N_, AccessProblem, UsageProblem
from client.remote.inheriting import Rewrapping, hand_account_over, held_grants, signs_in, use_of
from client.terminal import can_ask, counting, escape, say
from client.trust import Anchor
from keys.keyring import Identity

if TYPE_CHECKING:
    from client.profile import ServiceProfile
    from client.remote.inheriting import Held
    from client.remote.service import Service
    from client.remote.signin import SignedIn


class _Asked(NamedTuple):
    output: str | None
    new_passphrase_file: str | None
    no_passphrase: bool
    resume: bool
    dry: bool
    yes: bool
    identity: str | None
    passphrase_file: str | None
    as_json: bool


@command(
    "reviewer",
    help=_(
        "Give yourself a new key. Your old key says that the new one follows it: your habilitation goes "
        "along, and nobody else has to do anything. Then your grants are wrapped to the new key, one by "
        "one. The old key signs in no more and is handed nothing; whoever kept it can still open what it "
        "opened before and was kept. Stopped at any moment, it goes on with --resume; keep the old key "
        "file until it has ended. For reviewers, admins and portals."
    ),
    examples=(
        "scelle rotate reviewer --identity me.key --dry-run",
        "scelle rotate reviewer --identity me.key -o me-2027.key",
        "scelle rotate reviewer --identity me.key -o me-2027.key --resume",
    ),
)
@click.option("-o", "--output", metavar=_("FILE"), help=_("The new key file."))
@next_key_options()
@click.option("--resume", is_flag=True, help=_("Go on with a rotation that did not come to its end."))
@dry_option()
@yes_option()
@identity_options(_("Your old key file; by default the one that you signed in with."))
@server_option()
@json_option()
def reviewer(*, server: str | None, **options: Any) -> None:
    """Plan, ask, write the new key, hand over, wrap the grants anew."""
    asked = _Asked(**options)
    # Later commands may be typed elsewhere.
    kept = os.path.abspath(asked.output or "")  # noqa: PTH100 - as everywhere here
    wait_for(_rotate(known_service(server), asked, kept))


async def _rotate(known: ServiceProfile, asked: _Asked, kept: str) -> None:
    if not asked.dry and not asked.output:
        raise UsageProblem(N_("say where the new key goes: -o FILE"))
    if asked.dry and asked.resume:
        raise UsageProblem(N_("--dry-run and --resume exclude each other; give one"))
    path = own_path(known.session, asked.identity)
    old = load_identity(path, asked.passphrase_file)
    use = use_of(old)
    async with reach(known) as service:
        anchor = Anchor(await renew_pin(service, known))
        if asked.resume:
            new, signed = await _go_on(service, anchor, asked, old)
            held = await held_grants(service, new, role=signed.me.role)
        else:
            signed = _known(await signs_in(service, old), path)
            begun = time.monotonic()
            held = await held_grants(service, old, role=signed.me.role)
            _require_ended(held)
            if asked.dry or (can_ask() and not asked.yes):
                _show_plan(asked, signed, held, time.monotonic() - begun)
            if asked.dry:
                return
            agree(_("give yourself a new key? [y/N]"), yes=asked.yes)
            new = Identity.generate(use)
            assert asked.output is not None
            write_next_key(asked.output, new, asked.new_passphrase_file, no_passphrase=asked.no_passphrase)
            await hand_account_over(service, old, new, now=anchor.now())
            held = [one.all_outdated() for one in held]
            signed = _known(await signs_in(service, new), asked.output or "")
        known.keep_session(signed.session._replace(identity=kept))
        left = sum(len(one.outdated) for one in held)
        with counting(_("wrapping grants"), left, quiet=asked.as_json) as advance:
            count, failed = await Rewrapping(service, known, anchor, old, new).all(held, advance)
    for dossier, error in failed:
        say(f"{escape(dossier)}: {describe_client_error(error)}")
    if failed:
        raise Unfinished(len(failed))
    _show_end(asked, path, new, count)


async def _go_on(service: Service, anchor: Anchor, asked: _Asked, old: Identity) -> tuple[Identity, SignedIn]:
    """Return the new key, known to the service: it was handed over to before, or is now."""
    assert asked.output is not None
    new = load_identity(asked.output, asked.new_passphrase_file)
    signed = await signs_in(service, new)
    if signed is None:
        _known(await signs_in(service, old), asked.identity or "")
        await hand_account_over(service, old, new, now=anchor.now())
        signed = _known(await signs_in(service, new), asked.output)
    return new, signed


def _known(signed: SignedIn | None, path: str) -> SignedIn:
    if signed is None:
        raise AccessProblem(
            N_("{path}: the service does not know this key, or it has handed over already; try --resume"),
            path=path,
        )
    return signed


def _require_ended(held: list[Held]) -> None:
    left = sum(len(one.outdated) for one in held)
    if left:
        raise UsageProblem(
            N_(
                "{count} of your grants are still wrapped to the key before this one; go on with "
                "--resume, giving that one as --identity and this one as -o"
            ),
            count=left,
        )


def _show_plan(asked: _Asked, signed: SignedIn, held: list[Held], asked_in: float) -> None:
    grants = sum(len(one.fetched.grants) for one in held)
    # Reading a dossier's grants took two round trips; writing one takes one, and two signatures.
    seconds = max(1, round(asked_in / 2 + 0.05 * grants))
    if asked.as_json and asked.dry:
        print_json(
            {
                "account": signed.me.account,
                "key_id": signed.me.key_id,
                "dossiers": len(held),
                "grants": grants,
                "seconds": seconds,
            }
        )
        return
    print_pairs(
        [
            (_("account"), signed.me.name or signed.me.account or ""),
            (_("present key"), signed.me.key_id or ""),
            (_("dossiers"), str(len(held))),
            (_("grants to wrap anew"), str(grants)),
            (_("about"), ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)),
        ]
    )


def _show_end(asked: _Asked, path: str, new: Identity, count: int) -> None:
    if asked.as_json:
        print_json(
            {
                "secret": asked.output,
                "public": f"{asked.output}.pub",
                "key_id": new.public.signing_key_id.hex(),
                "fingerprint": new.public.fingerprint,
                "rewrapped": count,
            }
        )
        return
    print_pairs(
        [
            (_("new key"), asked.output or ""),
            (_("fingerprint"), new.public.fingerprint),
            (_("grants wrapped anew"), str(count)),
        ]
    )
    say(
        _(
            "the old key, {path}, is of no use at this service any more; keep it for containers that you "
            "kept, or destroy it"
        ).format(path=escape(path))
    )
    say(_("service tokens stay as they are: look with scelle token list"))
