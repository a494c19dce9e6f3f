"""A real server on loopback for the client's tests, in a thread of its own."""

import asyncio
import contextlib
import io
import socket
import threading

from aiohttp import web

from keys.serverkey import create_server_key
from vault.api.tokens import TOKEN_PREFIX
from vault.journal import Action, Actor, Fact, Subject
from vault.server.app import create_app
from vault.server.commands.objects import open_store
from vault.server.logs import logger
from vault.server.migrations.upgrade import upgrade
from vault.server.ports import Origin, new_id
from vault.server.services.registry import build_services
from vault.server.services.secrets import new_token
from vault.server.services.serverkeys import ServerKeys
from vault.server.settings import load_settings
from vault.server.stores.clock import SystemClock
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.store import SqlRecords


class Server:
    """One running server.

    Attributes:
        url: where it is reached, which is its origin too: where it listens, or at the end of ``line``.
        log: what it logged.
        services: to look behind its back.
    """

    def __init__(self, data, *, line=None, **settings):
        self._line = line
        self.settings = load_settings({"data": data, "host": "127.0.0.1", "port": 0, **settings})
        self.log = io.StringIO()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._failure = None

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(30)
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

    def run(self, work):
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def make_admin(self, name):
        """Make an admin with a token, as the host's own command does, and return the token."""
        return self.run(self._make_admin(name))

    async def _make_admin(self, name):
        secret = new_token(TOKEN_PREFIX)
        async with self._records.change(Origin(Actor("host", ""), "")) as change:
            account = await change.accounts.add(account_id=new_id(), role="admin", name=name)
            token = await change.tokens.add(
                token_id=new_id(),
                account_id=account.id,
                secret_hash=secret.hash,
                label="first",
                read_only=False,
                expires_at=change.now + 3600,
            )
            subjects = [Subject("account", account.id), Subject("token", token.id)]
            await change.record(Action.ACCOUNT_CREATED, subjects, {Fact.ROLE: "admin"})
        return secret.text

    async def _serve(self):
        try:
            async with contextlib.AsyncExitStack() as stack:
                await self._start(stack)
                self._ready.set()
                await self._stop.wait()
        except BaseException as error:
            self._failure = error
            self._ready.set()
            raise

    async def _start(self, stack):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        settings = self.settings
        if not settings.server_key_path.exists():
            settings.data.mkdir(parents=True, exist_ok=True)
            create_server_key(settings.server_key_path)
        engine = open_engine(settings.records_url)
        await upgrade(engine)
        records = self._records = SqlRecords(engine, SystemClock())
        stack.push_async_callback(records.close)
        store = await stack.enter_async_context(open_store(settings))
        listening = socket.create_server(("127.0.0.1", 0))
        stack.callback(listening.close)
        address = listening.getsockname()
        self.url = f"http://127.0.0.1:{address[1]}"
        if self._line is not None:
            self._line.server = address
            self.url = self._line.url
        self.services = build_services(
            settings=settings,
            records=records,
            store=store,
            clock=SystemClock(),
            keys=ServerKeys(settings.server_key_path),
            origin=self.url,
        )
        app = create_app(self.services, logger(self.log))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, lingering_time=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listening).start()
