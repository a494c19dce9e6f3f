"""A server from its start to its end: whatever is opened is closed, in reverse order, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from gettext import gettext as _
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import web

from keys.statements import Habilitation, read_unjudged
from vault.journal import Action, Actor, Fact, Subject, decode_entry
from vault.server.app import UnhandledRouteError, create_app
from vault.server.commands.caretaking import caretaken
from vault.server.commands.draining import Traffic
from vault.server.commands.folder import locked, make_folder, require_server_key
from vault.server.commands.listening import listen
from vault.server.commands.objects import open_locking, open_store, require_objects
from vault.server.commands.records import admins, open_records, reachable, sqlite_file
from vault.server.commands.style import HostProblem
from vault.server.commands.watching import watched
from vault.server.describing import server_version
from vault.server.gate import UnruledRouteError
from vault.server.logs import LibraryHandler
from vault.server.metrics import Metrics
from vault.server.ports import Origin
from vault.server.services.beliefs import SERVER_HABILITATION, Beliefs
from vault.server.services.janitor import Janitor
from vault.server.services.registry import build_services
from vault.server.services.serverkeys import ServerKeys, standing_from
from vault.server.services.views import stored
from vault.server.stores.clock import SystemClock
from vault.server.stores.local import LocalStore

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    import structlog

    from keys.keyfile import PublicIdentity
    from keys.signing import SigningKey
    from vault.api.models.approvals import Act
    from vault.server.ports import Clock
    from vault.server.services.registry import Services
    from vault.server.settings import Settings
    from vault.server.stores.records.rows import JournalEntry
    from vault.server.stores.records.store import SqlRecords

_FLUSH: Final = 5.0
"""Seconds in which the last answers have to be taken by whoever waits for them."""
_CUT: Final = 0.05
"""Seconds that a request has to notice that it was cut off."""
_FORGOTTEN_AFTER: Final = 86_400
"""Seconds after which an upload whose process died is swept up; longer than any upload goes on."""


class Started(NamedTuple):
    """What there is to say when a server listens.

    Attributes:
        url: where it listens.
        origin: its name as clients reach it.
        fingerprint: of its public identity.
        key_id: of its signing key, hexadecimal.
        version: of the software.
        needs_admin: whether there is no admin that could sign in.
        metrics: where its numbers are shown, None where they are not.
    """

    url: str
    origin: str
    fingerprint: str
    key_id: str
    version: str
    needs_admin: bool
    metrics: str | None


class _Parts(NamedTuple):
    """A server that is put together and does not listen yet; ``beside`` runs as long as it does."""

    app: web.Application
    sockets: list[socket.socket]
    services: Services
    beside: tuple[AbstractAsyncContextManager[None], ...]
    started: Started


@asynccontextmanager
async def serving(
    settings: Settings,
    log: structlog.typing.FilteringBoundLogger,
    *,
    clock: Clock | None = None,
    hurry: Callable[[], Awaitable[object]] | None = None,
) -> AsyncIterator[Started]:
    """Run a server for as long as the block lasts; then what is being transferred gets time to end.

    Args:
        settings: of this server.
        log: where it tells what it does.
        clock: where the time comes from, the machine's by default.
        hurry: waited for while the server ends; when it returns, what is left is cut off.

    Raises:
        HostProblem: it cannot start.
        KeyMaterialError, OSError: the key or the folder cannot be used.
    """
    async with AsyncExitStack() as stack:
        parts = await _assemble(settings, log, clock or SystemClock(), stack)
        traffic = Traffic(parts.app)
        runner = web.AppRunner(parts.app, access_log=None, shutdown_timeout=_FLUSH)
        await runner.setup()
        for one in parts.beside:
            await stack.enter_async_context(one)
        wait = hurry or asyncio.Event().wait
        stack.push_async_callback(_end, runner, traffic, wait, settings.shutdown_seconds)
        # Whoever asks on a connection that is still open is sent elsewhere.
        stack.callback(parts.services.health.end)
        for listener in parts.sockets:
            await web.SockSite(runner, listener).start()
        yield parts.started


async def _assemble(
    settings: Settings, log: structlog.typing.FilteringBoundLogger, clock: Clock, stack: AsyncExitStack
) -> _Parts:
    """Open everything, first what may stand in the way and changes nothing.

    The port is known before the services are built, because the origin holds it.
    """
    _redirect_libraries(log, stack)
    embedded = sqlite_file(settings) is not None
    sockets = listen(settings.host, settings.port)
    shown = [] if settings.metrics_port is None else listen(settings.metrics_host, settings.metrics_port)
    for one in (*sockets, *shown):
        stack.callback(one.close)
    make_folder(settings.data)
    if embedded:
        stack.enter_context(locked(settings.data))
    records = await stack.enter_async_context(open_records(settings, clock, upgrading=True))
    with reachable():
        store = await stack.enter_async_context(open_store(settings))
        await require_objects(records, store)
        locking = await open_locking(settings, records, store, clock)
        # What is left behind in a bucket is the janitor's to remove.
        swept = await store.sweep(older_than=_FORGOTTEN_AFTER) if isinstance(store, LocalStore) else 0
        async with records.read() as view:
            first_start = (await view.journal.checkpoint()).size == 0
        made = require_server_key(settings.server_key_path, first_start=first_start)
        keys = ServerKeys(settings.server_key_path)
        identity = await _check_key(records, keys, clock.now())
        needs_admin = all(account.disabled_at is not None for account in await admins(records))
    port = sockets[0].getsockname()[1]
    origin, version = settings.origin_at(port), server_version()
    services = build_services(
        settings=settings,
        records=records,
        store=store,
        clock=clock,
        keys=keys,
        origin=origin,
    )
    metrics = Metrics(version)
    try:
        app = create_app(services, log, metrics)
    except (UnruledRouteError, UnhandledRouteError) as error:
        raise HostProblem(str(error)) from None
    with reachable():
        await _record_start(records, identity, version, services.approvals.acts)
        if first_start:
            # Of two that started together with two keys, the second one ends here.
            await _check_key(records, keys, clock.now())
    log.info("prepared", new_key=made, swept=swept, port=port)
    started = Started(
        url=_url(settings.host, port),
        origin=origin,
        fingerprint=identity.fingerprint,
        key_id=identity.signing_key_id.hex(),
        version=version,
        needs_admin=needs_admin,
        metrics=f"{_url(settings.metrics_host, shown[0].getsockname()[1])}/metrics" if shown else None,
    )
    beside = (
        watched(metrics, records, services.health, clock, shown),
        caretaken(
            Janitor(records, store, clock, locking=locking),
            records,
            clock,
            log,
            every=settings.janitor_seconds,
        ),
    )
    return _Parts(app, sockets, services, beside, started)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _check_key(records: SqlRecords, keys: ServerKeys, now: int) -> PublicIdentity:
    """Return who signs now; refuse a key that no client would believe.

    Before an authority is published, every server of a service has the key of the first one.

    Raises:
        HostProblem: the key file was exchanged, or the next one is not here, or not in force yet.
    """
    own = keys.own.identity
    async with records.read() as view:
        vouched = await Beliefs().named(view, SERVER_HABILITATION)
        first = await view.journal.entries(0, 1)
        if vouched is None:
            _require_same(first, keys.own.key)
            return own
        subject = keys.first = read_unjudged(stored(vouched), Habilitation).subject
        standing = await standing_from(view, subject, now)
    present, coming = standing.present, standing.coming
    if keys.find(present) is not None:
        return present
    if own in standing.former or (coming is not None and own == coming.new):
        raise HostProblem(
            _(
                "another key than this server's signs for the service now, by fingerprint {fingerprint}; "
                "bring its file to this host: scelle rotate server says where it belongs"
            ).format(fingerprint=present.fingerprint)
        )
    raise HostProblem(
        _("the authority vouches for another key than this server's; put that key back from a backup")
    )


def _require_same(first: Sequence[JournalEntry], key: SigningKey) -> None:
    subjects = [subject for row in first for subject in decode_entry(row.entry).subjects]
    if any(subject.kind == "server" and subject.id != key.key_id.hex() for subject in subjects):
        raise HostProblem(
            _("another key than this server's has signed here; give every server the same server_key_file")
        )


async def _record_start(
    records: SqlRecords, identity: PublicIdentity, version: str, approved: Sequence[Act]
) -> None:
    """Write that a server starts, and what it does only with approvals: the host alone decides that."""
    name = identity.signing_key_id.hex()
    facts: dict[Fact, str] = {Fact.VERSION: version}
    if approved:
        facts[Fact.APPROVALS] = "+".join(approved)
    async with records.change(Origin(Actor("server", name), "")) as change:
        await change.record(Action.SERVER_STARTED, [Subject("server", name)], facts)


def _redirect_libraries(log: structlog.typing.FilteringBoundLogger, stack: AsyncExitStack) -> None:
    handler, root = LibraryHandler(log), logging.getLogger()
    root.addHandler(handler)
    stack.callback(root.removeHandler, handler)


async def _end(
    runner: web.AppRunner, traffic: Traffic, hurry: Callable[[], Awaitable[object]], seconds: float
) -> None:
    """Take no more requests, let those that are there end, and cut off what takes too long."""
    for site in runner.sites:
        await site.stop()
    drained, hurrying = asyncio.ensure_future(traffic.drain()), asyncio.ensure_future(hurry())
    await asyncio.wait({drained, hurrying}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if not drained.done() and runner.server is not None:
        await runner.server.shutdown(_CUT)
    for task in (drained, hurrying):
        task.cancel()
    await asyncio.gather(drained, hurrying, return_exceptions=True)
    await runner.cleanup()
