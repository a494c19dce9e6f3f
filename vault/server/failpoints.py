"""Named places where a test stops the server dead: between any two steps that a crash could come between.

In a running service nothing is armed and `reach` does nothing; there is no setting that arms it. A test arms
it from inside the process, so that every name that stands here can be enumerated, reached and killed at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Failpoint(StrEnum):
    """One name for each step; the value says where the process would stop: module, function, moment."""

    # A container on its way in.
    DEPOSIT_BEGUN = "services.deposits._take: no byte was read"
    BODY_BEGUN = "services.arriving.body: the first bytes of the body are about to be stored"
    BODY_CHECKED = "services.arriving.body: the whole container arrived and was examined"
    BODY_STORED = "services.deposits._take: the body is stored, no row names it"
    DEPOSIT_JUDGED = "services.deposits._judge_and_publish: nothing speaks against it, nothing is written"
    RECEIPT_SIGNED = "services.publishing.publish: the journal entry is written, the receipt signed"
    DEPOSIT_PUBLISHED = "services.publishing.publish: all rows are written"
    REPEAT_FOUND = "services.deposits._take: the answer is known, the new bytes are stored too"
    REPEAT_CLEANED = "services.deposits._take: the new bytes are removed again"
    DISCARD_BEGUN = "services.deposits._discard: it was refused, its bytes are stored"
    DISCARD_ENDED = "services.deposits._discard: its bytes are removed, unless a row names them"

    # An upload in parts.
    UPLOAD_TRAILER_STORED = "services.uploads._begin: leaves and seal are stored, no row names them"
    UPLOAD_STAGED = "services.uploads._begin: the store expects parts, no row names them"
    UPLOAD_BEGUN = "services.uploads._add: the session is there"
    UPLOAD_RENEWED = "services.uploads._renew: the session has a newer envelope"
    UPLOAD_PART_STORED = "services.parts.put: the part is stored, no row names it"
    UPLOAD_PART_RECORDED = "services.parts.put: the part's row is written"
    UPLOAD_ASSEMBLED = "services.completing.complete: the body is whole, nothing is published"
    UPLOAD_MARKED = "services.completing._publish: everything is written, the session too, nothing committed"
    UPLOAD_PUBLISHED = "services.completing.complete: it is published, the trailer is there"
    UPLOAD_CLEANED = "services.completing.complete: the trailer is gone"
    UPLOAD_ABANDONED = "services.uploads.abandon: the session is gone, what the store keeps of it is not"

    # The rows of a version.
    QUOTA_CHARGED = "stores.records.publishing._make_room: the organisation's use is counted"
    PROOF_BEGUN = "stores.records.publishing._begin: the proof's row is written"
    PROOF_MOVED = "stores.records.publishing._replace: the proof names its new seal"
    VERSION_ARCHIVED = "stores.records.publishing._archive_version: the version before is archived"
    VERSION_WRITTEN = "stores.records.publishing._write: the version's row is written"
    HEAD_WRITTEN = "stores.records.publishing._write: the envelope's row is written"
    SEAL_WRITTEN = "stores.records.publishing._write: the seal's row is written"
    PLACE_LEFT = "stores.records.publishing.reencrypt: the original has left its place, nothing stands there"
    PLACE_TAKEN = "stores.records.publishing.reencrypt: the proof names the seal that re-encrypts it"

    # Archiving, rewriting, granting, revoking.
    PROOF_ARCHIVED = "stores.records.publishing.archive: the proof's row is archived"
    ARCHIVE_WRITTEN = "services.evidence.archive: all rows are written"
    REWRITE_JUDGED = "services.rewriting.rewrite: the envelope is good, nothing is written"
    GENERATION_MOVED = "stores.records.publishing.rewrite_head: the version's row names the new envelope"
    ENVELOPE_MOVED = "stores.records.publishing.rewrite_head: the new envelope stands in the old one's place"
    REWRITE_WRITTEN = "services.rewriting.rewrite: all rows are written"
    GRANT_JUDGED = "services.grants.add: the grant is good, nothing is written"
    GRANT_STATED = "services.grants._keep: the statement is kept"
    GRANT_ADDED = "services.grants._keep: the grant's row is written"
    GRANT_REVOKED = "services.grants.revoke: the grant's row is revoked"

    # Agreeing to a dangerous act, and taking that back.
    APPROVAL_JUDGED = "services.approvals.add: the approval is good, nothing is written"
    APPROVAL_STATED = "services.approvals.add: the statement is kept, nothing is committed"
    APPROVAL_WITHDRAWN = "services.approvals.withdraw: the approval is marked, nothing is committed"

    # Erasing a dossier.
    ERASURE_JUDGED = "services.erasing._erase: the dossier may be erased, nothing is written"
    ERASURE_SIGNED = "services.erasing._erase: the journal entry is written, the certificate signed"
    ERASURE_CERTIFIED = "stores.records.erasing.erase: the certificate is written"
    GRANTS_DESTROYED = "stores.records.erasing.erase: grants and their wrapped keys are gone"
    ENVELOPES_DESTROYED = "stores.records.erasing.erase: templates and envelopes are gone, the use is counted"
    UPLOADS_ENDED = "stores.records.erasing.erase: upload sessions are gone"
    BODIES_CONDEMNED = "stores.records.erasing.erase: no row may name the objects any more"
    ERASED_UPLOADS_CLEARED = "services.erasing.erase: what the store kept for upload sessions is gone"
    ERASED_BODY_REMOVED = "services.removing.remove: the object is gone, no row says so"
    ERASED_BODIES_NOTED = "services.removing.note: the rows say so, nothing is committed"
    DESTROYED_PURGED = "services.erasing.erase: what was deleted is out of the database's log"

    # A template taken over.
    SUCCESSION_JUDGED = "services.succession.succeed: the next key is good, nothing is written"
    SUCCESSION_STATED = "services.succession.succeed: the statement is kept, the key's rows are the old one's"
    DEPOSITORS_MOVED = "services.succession.succeed: the key's rows are the new one's"
    TEMPLATE_JUDGED = "services.ownership._find: the template may be replaced, nothing is written"
    TEMPLATE_MOVED = "stores.records.templates._move: the row names the new bytes, the old ones are there"
    TEMPLATE_WRITTEN = "stores.records.templates._move: the new template stands in the old one's place"

    # A dossier's key, rotated.
    ROTATION_JUDGED = "services.rotating.rotate: the next key is good, nothing is written"
    DOSSIER_ADVANCED = "services.rotating.rotate: the dossier names its next key, nobody has a grant of it"
    RETIREMENT_SURVEYED = "services.retiring.retire: every envelope was read, nothing is written"
    GRANTS_ENDED = "services.retiring.retire: the grants of older keys are revoked"
    RETIREMENT_SIGNED = "services.retiring.retire: the journal entry is written, the certificate signed"
    RETIREMENT_CERTIFIED = "services.retiring.retire: the certificate is written"

    # Originals of what was re-encrypted, erased.
    ORIGINALS_JUDGED = "services.reencrypting._erase: the originals may be erased, nothing is written"
    ORIGINALS_ERASED = "stores.records.erasing.erase_originals: envelopes are gone, bodies condemned"

    # The authority's key, rotated.
    AUTHORITY_JUDGED = "services.authority.succeed: the next key is good, nothing is written"
    AUTHORITY_STATED = "services.authority.succeed: the statement is kept, nothing is committed"

    # Another recovery key.
    RECOVERY_JUDGED = "services.authority.change_recovery: the next key is good, nothing is written"
    RECOVERY_STATED = "services.authority.change_recovery: the statement is kept, nothing is committed"

    # A token, rotated.
    CREDENTIAL_JUDGED = "services.tokens._replace: the token may be replaced, nothing is written"
    CREDENTIAL_ADDED = "services.tokens._replace: the new token is there, the old one does not end"
    CREDENTIAL_REPLACED = "services.tokens._replace: the old one ends, nothing is committed"

    # An account's key, rotated.
    INHERITANCE_JUDGED = "services.inheriting.succeed: the next key is good, nothing is written"
    INHERITANCE_STATED = "services.inheriting.succeed: the statement is kept, the account has the old key"
    ACCOUNT_MOVED = "services.inheriting.succeed: the account has the new key, its grants are the old one's"
    GRANTS_MOVED = "services.inheriting.succeed: everything is the new key's"
    REWRAP_JUDGED = "services.inheriting.rewrap: the grant is good, nothing is written"
    REWRAP_STATED = "services.inheriting.rewrap: the statement is kept, the row names the one before"
    GRANT_REWRAPPED = "services.inheriting.rewrap: the row names the new statement"

    # The janitor: a server comes to these by itself, no request does.
    LOCK_TAKEN = "services.locking.take: the store keeps an archived body, no row says so"
    LOCKS_WRITTEN = "services.locking.keep: the rows say so, nothing is committed"

    # Every change.
    CHANGE_BEGUN = "stores.records.store.change: the transaction is open"
    ENTRY_WRITTEN = "stores.records.journal.append: the entry's row is written"
    JOURNAL_MOVED = "stores.records.journal.append: the journal's head counts the entry"
    ANSWER_KEPT = "services.acts.remember: the answer is remembered under its key"
    CHANGE_RECORDED = "stores.records.store.change: everything is written, nothing is committed"
    CHANGE_COMMITTED = "stores.records.store.change: it is committed"
    FETCH_RECORDED = "handlers.streaming.send: the journal says that it was handed out, no byte was"
    ANSWER_READY = "app._answer: the answer is made, no byte of it is sent"

    # The local store.
    DRAFT_MADE = "stores.local._write: the file is there, and empty"
    DRAFT_GROWN = "stores.local._pour: a first piece is written"
    DRAFT_WRITTEN = "stores.local._pour: everything is written, and not synced"
    DRAFT_SYNCED = "stores.local._pour: everything is on the disk"
    DRAFT_RENAMED = "stores.local._publish: the file has its name, its folder is not synced"
    OBJECT_KEPT = "stores.local._publish: the object is there for good"
    OBJECT_DELETED = "stores.local.delete: the object is gone"
    DRAFT_REMOVED = "stores.local._remove: what never came to its end is gone"

    # The store in a bucket; all but the last in a worker thread.
    S3_OBJECT_SENT = "stores.s3client.put: an object is kept that came with one request"
    S3_UPLOAD_BEGUN = "stores.s3client.begin: the service expects parts"
    S3_PART_SENT = "stores.s3client.send: a part is kept"
    S3_PARTS_COMPARED = "stores.s3client.complete: the service has all parts, nothing is whole"
    S3_UPLOAD_COMPLETED = "stores.s3client.complete: the service has made one object of all parts"
    S3_UPLOAD_ABORTED = "stores.s3client.abort: the service has forgotten the parts"
    S3_OBJECT_DELETED = "stores.s3.delete: the object is gone"


_armed: Callable[[Failpoint], None] | None = None


def arm(stop: Callable[[Failpoint], None] | None) -> None:
    """Call ``stop`` at every place from now on, from whichever thread; None: nothing is called any more."""
    global _armed  # noqa: PLW0603 - one process has one set of places to stop at
    _armed = stop


def reach(point: Failpoint) -> None:
    """Say that the work has come to ``point``; returns at once unless a test wants it otherwise."""
    if _armed is not None:
        _armed(point)
