"""Which function serves which route: by the route's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vault.server.handlers import (
    dossiers,
    erasure,
    evidence,
    journal,
    people,
    rotation,
    service,
    signin,
    uploads,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vault.server.call import Call

    Handler = Callable[[Call], Awaitable[Any]]

HANDLERS: Final[dict[str, Handler]] = {
    handler.__name__: handler
    for handler in (
        service.live,
        service.ready,
        service.version,
        service.openapi,
        service.docs,
        signin.get_trust,
        signin.publish_authority,
        signin.create_challenge,
        signin.create_session,
        signin.delete_session,
        signin.get_me,
        people.create_organisation,
        people.list_organisations,
        people.change_organisation,
        people.create_account,
        people.list_accounts,
        people.get_account,
        people.change_account,
        people.habilitate,
        people.withdraw_habilitation,
        people.create_token,
        people.list_tokens,
        people.revoke_token,
        people.enrol,
        people.list_reviewers,
        dossiers.create_dossier,
        dossiers.list_dossiers,
        dossiers.get_dossier,
        dossiers.close_dossier,
        dossiers.get_dossier_keys,
        dossiers.add_depositor,
        dossiers.list_depositors,
        dossiers.remove_depositor,
        dossiers.succeed_depositor,
        dossiers.create_template,
        dossiers.list_templates,
        dossiers.replace_template,
        dossiers.rewrite_template,
        dossiers.withdraw_template,
        dossiers.fetch_template,
        dossiers.get_my_grants,
        dossiers.add_grant,
        dossiers.list_grants,
        dossiers.revoke_grant,
        erasure.list_retentions,
        erasure.set_retention,
        erasure.get_erasure,
        erasure.erase_dossier,
        erasure.list_erased,
        rotation.rotate_dossier_key,
        rotation.get_rotation,
        rotation.list_outdated,
        rotation.retire_dossier_key,
        evidence.deposit,
        evidence.list_evidence,
        evidence.get_evidence,
        evidence.replace_evidence,
        evidence.archive_evidence,
        evidence.fetch_container,
        evidence.fetch_envelope,
        evidence.rewrite_envelope,
        evidence.fetch_body,
        evidence.get_receipt,
        evidence.record_opening,
        uploads.begin_upload,
        uploads.begin_replacement,
        uploads.get_upload,
        uploads.put_part,
        uploads.put_upload_envelope,
        uploads.complete_upload,
        uploads.abandon_upload,
        journal.list_journal,
        journal.get_checkpoint,
        journal.get_consistency,
    )
}
