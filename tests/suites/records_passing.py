"""What is forgotten anyway: challenges, counted failures, remembered answers."""

import pytest

from tests.suites.records_people import add_session
from tests.suites.samples import NOW, ORIGIN, change, digest
from vault.journal import Action
from vault.server.ports import AlreadyExistsError, new_id
from vault.server.stores.records.rows import Challenge, IdempotencyKey, Remembered
from vault.server.stores.records.runs import Ended, Run


class PassingSuite:
    async def test_a_challenge_is_good_once_for_its_purpose_until_it_expires(self, records) -> None:
        challenge = Challenge(new_id(), "sign-in", digest(), digest(), 100)

        async def take(purpose="sign-in", now=99):
            async with records.bookkeeping() as books:
                return await books.challenges.take(challenge.id, purpose=purpose, now=now)

        async with records.bookkeeping() as books:
            await books.challenges.add(challenge, now=0)
        assert await take(purpose="enrolment") is None
        assert await take(now=100) is None
        assert await take() == challenge
        assert await take() is None

    async def test_a_change_that_fails_gives_its_challenge_back(self, records) -> None:
        challenge = Challenge(new_id(), "sign-in", digest(), digest(), 100)
        async with records.bookkeeping() as books:
            await books.challenges.add(challenge, now=0)

        async def fail(tx) -> None:
            assert await tx.challenges.take(challenge.id, purpose="sign-in", now=1) == challenge
            raise LookupError

        with pytest.raises(LookupError):
            await change(records, fail)
        async with records.bookkeeping() as books:
            assert await books.challenges.take(challenge.id, purpose="sign-in", now=1) == challenge

    async def test_failures_are_counted_within_a_window(self, records) -> None:
        source, other = digest(), digest()
        for moment, held, end in ((10, 1, 20), (12, 2, 20), (19, 3, 20), (20, 1, 30), (21, 2, 30)):
            async with records.bookkeeping() as books:
                assert await books.failures.add(source, now=moment, window=10) == (held, end)
        async with records.read() as view:
            assert await view.failures.count(source, now=21) == (2, 30)
            assert await view.failures.count(source, now=30) == (0, 30)
            assert await view.failures.count(other, now=21) == (0, 21)
        async with records.bookkeeping() as books:
            await books.failures.forget(source)
        async with records.read() as view:
            assert await view.failures.count(source, now=21) == (0, 21)

    async def test_windows_of_several_lengths_do_not_disturb_each_other(self, records) -> None:
        long, short = digest(), digest()
        for moment in (0, 5, 50):
            async with records.bookkeeping() as books:
                await books.failures.add(long, now=moment, window=100)
                await books.failures.add(short, now=moment, window=10)
        async with records.read() as view:
            assert await view.failures.count(long, now=55) == (3, 100)
            assert await view.failures.count(short, now=55) == (1, 60)

    async def test_an_answer_is_remembered_with_its_change_or_not_at_all(self, records) -> None:
        key = IdempotencyKey("account:1", "create_organisation", digest())
        answer = Remembered(digest(), 201, b"{}")

        async def keep(tx, error=None) -> None:
            await tx.answers.keep(key, answer, now=NOW, until=NOW + 10)
            if error is not None:
                raise error

        async def find(key=key, now=NOW):
            async with records.read() as view:
                return await view.answers.find(key, now=now)

        with pytest.raises(LookupError):
            await change(records, keep, LookupError())
        assert await find() is None
        await change(records, keep)
        assert await find() == answer
        assert await find(now=NOW + 10) is None
        for other in (
            key._replace(actor="account:2"),
            key._replace(route="create_account"),
            key._replace(key_hash=digest()),
        ):
            assert await find(other) is None
        with pytest.raises(AlreadyExistsError):
            await change(records, keep)

    async def test_what_has_expired_makes_room(self, records) -> None:
        key = IdempotencyKey("account:1", "create_organisation", digest())
        for start in (0, 10):
            async with records.bookkeeping() as books:
                await books.answers.keep(key, Remembered(digest(), 201, None), now=start, until=start + 10)

    async def test_bookkeeping_leaves_no_trace_in_the_journal(self, records) -> None:
        async with records.bookkeeping() as books:
            await books.failures.add(digest(), now=0, window=1)
            assert not hasattr(books, "organisations")
        async with records.read() as view:
            assert (await view.journal.checkpoint()).size == 0

    async def test_bookkeeping_that_fails_is_undone(self, records) -> None:
        source = digest()

        async def fail() -> None:
            async with records.bookkeeping() as books:
                await books.failures.add(source, now=0, window=10)
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        async with records.read() as view:
            assert (await view.failures.count(source, now=0)).failures == 0

    async def test_a_session_and_its_challenge_are_one_change(self, records) -> None:
        challenge = Challenge(new_id(), "sign-in", digest(), digest(), 100)
        async with records.bookkeeping() as books:
            await books.challenges.add(challenge, now=0)
        async with records.change(ORIGIN) as tx:
            assert await tx.challenges.take(challenge.id, purpose="sign-in", now=1) is not None
            session = await add_session(tx)
            await tx.record(Action.SESSION_OPENED)
        async with records.read() as view:
            assert await view.sessions.by_secret(session.secret_hash) == session

    async def test_of_every_kind_of_run_the_last_one_is_kept_and_all_are_counted(self, records) -> None:
        ended = (
            Ended("scrub", 10, 20, "done", examined=7, damaged=2),
            Ended("janitor", 11, 12, "stopped", removed=3),
            Ended("scrub", 30, 40, "failed"),
            Ended("janitor", 31, 32, "done", examined=9, removed=4),
        )
        async with records.read() as view:
            assert await view.runs.all() == ()
        for one in ended:
            async with records.bookkeeping() as books:
                await books.runs.keep(one)
        async with records.read() as view:
            assert await view.runs.all() == (
                Run("janitor", 31, 32, "done", 9, 4, 0, 2, 7),
                Run("scrub", 30, 40, "failed", 0, 0, 0, 2, 0),
            )
