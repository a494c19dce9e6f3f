"""Organisations, accounts, tokens, sessions; and how every list is paged."""

import pytest

from tests.suites.samples import (
    MIB,
    NOW,
    add_account,
    add_organisation,
    change,
    digest,
    identity,
)
from vault.server.ports import AlreadyExistsError, BadCursorError, OutdatedError, QuotaExceededError, new_id


async def add_token(tx, account_id, **options):
    fields = {"token_id": new_id(), "secret_hash": digest(), "label": "back end", "read_only": False}
    return await tx.tokens.add(account_id=account_id, expires_at=NOW + 60, **fields | options)


async def add_session(tx, account_id=None):
    return await tx.sessions.add(
        session_id=new_id(),
        account_id=account_id,
        signing_key_id=digest(),
        secret_hash=digest(),
        expires_at=NOW + 60,
    )


async def walk(listing, limit: int) -> list:
    """Return the items of all pages of ``listing(cursor=, limit=)``."""
    items, cursor = [], None
    while True:
        page = await listing(cursor=cursor, limit=limit)
        assert 1 <= len(page.items) <= limit or cursor is None
        items += page.items
        if page.next is None:
            return items
        cursor = page.next


class PeopleSuite:
    async def test_an_organisation_is_found_and_changed(self, records) -> None:
        made = await change(records, add_organisation)

        async def rename(tx, organisation_id) -> None:
            await tx.organisations.set(
                organisation_id, name="Autre", quota_bytes=5, max_container_bytes=3, passwords="strength:3"
            )

        assert made.passwords == "generated"
        await change(records, rename, made.id)
        async with records.read() as view:
            found = await view.organisations.get(made.id)
            assert found == made._replace(
                name="Autre", quota_bytes=5, max_container_bytes=3, passwords="strength:3"
            )
            assert await view.organisations.get(new_id()) is None
        with pytest.raises(OutdatedError):
            await change(records, rename, new_id())

    async def test_an_organisation_pays_for_what_it_stores(self, records) -> None:
        made = await change(records, add_organisation, quota_bytes=10 * MIB)

        async def charge(tx, size) -> None:
            await tx.organisations.charge(made.id, size)

        await change(records, charge, 6 * MIB)
        with pytest.raises(QuotaExceededError):
            await change(records, charge, 4 * MIB + 1)
        await change(records, charge, 4 * MIB)
        with pytest.raises(QuotaExceededError):
            await change(records, charge, 1)
        await change(records, charge, -10 * MIB)
        async with records.read() as view:
            assert (await view.organisations.get(made.id)).used_bytes == 0
        with pytest.raises(
            AlreadyExistsError
        ):  # the table's own check: nothing is stored less than not at all
            await change(records, charge, -1)

    async def test_a_lowered_quota_stops_deposits_and_gives_back_all_the_same(self, records) -> None:
        made = await change(records, add_organisation, quota_bytes=10)

        async def lower(tx) -> None:
            await tx.organisations.charge(made.id, 10)
            await tx.organisations.set(
                made.id, name="x", quota_bytes=4, max_container_bytes=1, passwords="forbidden"
            )
            await tx.organisations.charge(made.id, -2)

        await change(records, lower)
        async with records.read() as view:
            assert (await view.organisations.get(made.id)).used_bytes == 8

    async def test_an_account_enrols_once_with_its_code(self, records, clock) -> None:
        code, keys = digest(), identity()
        made = await change(records, add_account, enrolment_hash=code, enrolment_until=NOW + 10)

        async def enrol(tx, enrolment_hash=code, keys=keys) -> None:
            await tx.accounts.enrol(made.id, enrolment_hash=enrolment_hash, identity=keys)

        with pytest.raises(OutdatedError):
            await change(records, enrol, digest())
        clock.time = NOW + 10
        with pytest.raises(OutdatedError):
            await change(records, enrol)
        clock.time = NOW + 9
        async with records.read() as view:
            assert (await view.accounts.by_enrolment(code)).id == made.id
        await change(records, enrol)
        with pytest.raises(OutdatedError):
            await change(records, enrol)
        async with records.read() as view:
            found = await view.accounts.get(made.id)
            assert found == await view.accounts.by_signing_key(keys.signing_key_id)
            assert found == await view.accounts.by_kem_key(keys.kem_key_id)
            assert await view.accounts.by_enrolment(code) is None
            assert await view.accounts.by_signing_key(digest()) is None
        assert (found.kem_public, found.signing_public) == (keys.kem, keys.signing)

    async def test_an_identity_belongs_to_one_account(self, records) -> None:
        keys = identity()
        for attempt in range(2):
            code = digest()
            made = await change(records, add_account, enrolment_hash=code, enrolment_until=NOW + 10)

            async def enrol(tx, made=made, code=code) -> None:
                await tx.accounts.enrol(made.id, enrolment_hash=code, identity=keys)

            if attempt:
                with pytest.raises(AlreadyExistsError):
                    await change(records, enrol)
            else:
                await change(records, enrol)

    async def test_a_new_code_ends_the_old_one(self, records) -> None:
        old, new = digest(), digest()
        made = await change(records, add_account, enrolment_hash=old, enrolment_until=NOW + 10)

        async def replace(tx, account_id) -> None:
            await tx.accounts.new_code(account_id, enrolment_hash=new, enrolment_until=NOW + 20)

        await change(records, replace, made.id)
        async with records.read() as view:
            assert await view.accounts.by_enrolment(old) is None
            assert (await view.accounts.by_enrolment(new)).enrolment_until == NOW + 20
        with pytest.raises(OutdatedError):
            await change(records, replace, new_id())

    async def test_disabling_ends_tokens_sessions_and_code_at_once(self, records, clock) -> None:
        code = digest()
        made = await change(records, add_account, enrolment_hash=code, enrolment_until=NOW + 10)
        other = await change(records, add_account)
        token, others = await change(records, add_token, made.id), await change(records, add_token, other.id)
        session = await change(records, add_session, made.id)

        async def disable(tx, account_id) -> None:
            await tx.accounts.disable(account_id)

        async def enrol(tx) -> None:
            await tx.accounts.enrol(made.id, enrolment_hash=code, identity=identity())

        async def enable(tx, account_id) -> None:
            await tx.accounts.enable(account_id)

        clock.time = NOW + 1
        await change(records, disable, made.id)
        clock.time = NOW + 2
        await change(records, disable, made.id)
        with pytest.raises(OutdatedError):
            await change(records, enrol)
        await change(records, enable, made.id)
        async with records.read() as view:
            assert (await view.accounts.get(made.id)).disabled_at is None
            assert (await view.tokens.by_secret(token.secret_hash)).revoked_at == NOW + 1
            assert (await view.tokens.by_secret(others.secret_hash)).revoked_at is None
            assert (await view.sessions.by_secret(session.secret_hash)).ended_at == NOW + 1
        for act in (disable, enable):
            with pytest.raises(OutdatedError):
                await change(records, act, new_id())

    async def test_tokens_are_found_by_the_hash_of_their_secret_and_revoked_once(self, records) -> None:
        account = await change(records, add_account)
        token = await change(records, add_token, account.id)

        async def revoke(tx) -> None:
            await tx.tokens.revoke(token.id)

        async with records.read() as view:
            assert await view.tokens.by_secret(token.secret_hash) == await view.tokens.get(token.id) == token
            assert await view.tokens.by_secret(digest()) is None
        await change(records, revoke)
        with pytest.raises(OutdatedError):
            await change(records, revoke)
        with pytest.raises(AlreadyExistsError):
            await change(records, add_token, new_id())

    async def test_a_token_is_replaced_once(self, records) -> None:
        account = await change(records, add_account)
        token, ended = [await change(records, add_token, account.id) for _ in range(2)]

        async def replace(tx, token_id) -> None:
            await tx.tokens.replace(token_id, replaced_by=ended.id, expires_at=NOW + 5)

        async def revoke(tx) -> None:
            await tx.tokens.revoke(ended.id)

        await change(records, replace, token.id)
        async with records.read() as view:
            expected = token._replace(replaced_by=ended.id, expires_at=NOW + 5)
            assert await view.tokens.get(token.id) == expected
        await change(records, revoke)
        for token_id in (token.id, ended.id, new_id()):
            with pytest.raises(OutdatedError):
                await change(records, replace, token_id)

    async def test_a_session_may_be_a_depositors(self, records) -> None:
        session = await change(records, add_session)

        async def end(tx) -> None:
            await tx.sessions.end(session.id)

        async with records.read() as view:
            assert await view.sessions.by_secret(session.secret_hash) == session
        await change(records, end)
        with pytest.raises(OutdatedError):
            await change(records, end)

    async def test_lists_are_filtered(self, records) -> None:
        first, second = (
            await change(records, add_account),
            await change(records, add_account, role="reviewer"),
        )
        mine = await change(records, add_token, first.id)
        await change(records, add_token, second.id)
        async with records.read() as view:
            accounts = await view.accounts.list(roles={"reviewer", "admin"})
            assert [one.id for one in accounts.items] == [second.id]
            assert (await view.accounts.list(enrolled=True)).items == ()
            assert [one.id for one in (await view.accounts.list()).items] == [second.id, first.id]
            assert [one.id for one in (await view.tokens.list(account_id=first.id)).items] == [mine.id]
            assert len((await view.tokens.list()).items) == 2

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 200])
    async def test_pages_tile_a_list_the_newest_first(self, records, limit) -> None:
        made = [(await change(records, add_organisation)).id for _ in range(7)]
        async with records.read() as view:
            assert [one.id for one in await walk(view.organisations.list, limit)] == made[::-1]

    async def test_rows_of_one_change_are_paged_without_loss(self, records) -> None:
        async def several(tx) -> list[str]:
            return [(await add_organisation(tx)).id for _ in range(7)]

        made = await change(records, several)
        async with records.read() as view:
            assert sorted(one.id for one in await walk(view.organisations.list, 2)) == sorted(made)

    async def test_what_is_added_while_a_list_is_read_shifts_nothing(self, records) -> None:
        made = [(await change(records, add_organisation)).id for _ in range(6)]
        seen, cursor = [], None
        while True:
            async with records.read() as view:
                page = await view.organisations.list(cursor=cursor, limit=2)
            seen += [one.id for one in page.items]
            await change(records, add_organisation)
            cursor = page.next
            if cursor is None:
                break
        assert seen == made[::-1]

    @pytest.mark.parametrize(
        "cursor", ["", "x", "AAAA", "!!!!", "é", "A" * 201, "AAAAAAAAAAA", "_" * 20, "AAAAAAAAAAAA=", "A A A"]
    )
    async def test_a_cursor_that_was_never_given_out_is_refused(self, records, cursor) -> None:
        async with records.read() as view:
            with pytest.raises(BadCursorError):
                await view.organisations.list(cursor=cursor)

    @pytest.mark.parametrize("limit", [-1, 0, 201])
    async def test_a_limit_has_bounds(self, records, limit) -> None:
        async with records.read() as view:
            with pytest.raises(ValueError, match="limit"):
                await view.organisations.list(limit=limit)
