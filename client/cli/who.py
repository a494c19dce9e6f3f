"""Who opens, and who signs: what the options --username, --identity, --template and --grant stand for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from client.cli.asking import checked_username, load_identity, password_for
from client.errors import N_, UsageProblem
from client.exchange.opening import Access, open_file
from client.policies import asked_of, from_note
from keys.errors import WrongUseError
from keys.keyfile import Use
from keys.keyring import Identity
from vault.container.manifest import CarriedRecipient
from vault.container.seal import TEMPLATE
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.exchange.opening import OpenContainer
    from keys.signing import SigningKey
    from keys.unwrapping import DecapsulationKey
    from vault.container.examine import Headed
    from vault.container.seal import Seal, SignedSeal
    from vault.container.unlocking import Unlocked


class Who:
    """What the person gave to open or sign with; every secret is asked for once, and only if needed."""

    def __init__(
        self,
        *,
        username: str | None,
        password_file: str | None,
        identity: Sequence[str],
        passphrase_file: str | None,
        template: str | None,
        grant: Sequence[str],
    ) -> None:
        """Take the options as they were typed.

        Raises:
            UsageProblem: nobody was named, or a template without the user name that opens it.
        """
        if template and not username:
            raise UsageProblem(N_("a template opens with its user name; add --username"))
        if grant and not identity:
            raise UsageProblem(N_("a grant opens with the key that it was made for; add --identity"))
        if not username and not identity:
            raise UsageProblem(N_("say who you are: --username NAME, or --identity FILE"))
        self.username = checked_username(username) if username else ""
        self._password_file = password_file
        self._identity_files = identity
        self._passphrase_file = passphrase_file
        self.template = template
        self._grant_files = grant

    @property
    def has_identity(self) -> bool:
        """Whether a key file was given."""
        return bool(self._identity_files)

    @cached_property
    def password(self) -> str:
        """The password that belongs to `username`."""
        return password_for(self.username, self._password_file)

    @cached_property
    def identities(self) -> list[Identity]:
        """The template's depositor first, then those in key files."""
        found = []
        if self.template:
            template = open_template(self.template, self)
            found = [template.identity, *template.former]
        found.extend(load_identity(path, self._passphrase_file) for path in self._identity_files)
        return found

    def password_access(self, *, identity: bytes = b"") -> PasswordAccess:
        """Return user name and password, with a depositor's seed to be unlocked by them."""
        return PasswordAccess(self.username, self.password, identity=identity)

    def access(self, *, password_first: bool = False) -> Access:
        """Return everything that may open a container.

        Args:
            password_first: for changes, which keep the password that was used.
        """
        password = self.password_access if self.username else None
        return Access(self._keys, password, password_first, self._recall)

    def _recall(self, examined: Headed) -> Callable[[], Sequence[DecapsulationKey]]:
        from client.kept import recall  # noqa: PLC0415 - sealing does not look at the profile

        return recall(examined, lambda: self.identities)

    def _keys(self) -> list[DecapsulationKey]:
        keys = [identity.decapsulation for identity in self.identities]
        if self._grant_files:
            from client.grants import open_grant_file  # noqa: PLC0415 - only where a grant is given

            keys.extend(open_grant_file(path, self.identities) for path in self._grant_files)
        return keys

    def policy(self, seal: Seal, path: str | None = None) -> str | None:
        """Return what is asked of new passwords for a container: as the profile knows, or a template says.

        Args:
            seal: the container's.
            path: where it lies, if it may be a template itself.
        """
        known = asked_of(seal.dossier)
        template = path if path and seal.evidence_type == TEMPLATE else self.template
        if known is None and template and self.username:
            opened = open_template(template, self)
            if opened.seal.dossier == seal.dossier:
                return opened.policy
        return known

    def signer(self, unlocked: Unlocked, seal: SignedSeal | None = None) -> SigningKey:
        """Return the key that signs a change: of the template, a key file, or the container itself.

        Args:
            unlocked: the container.
            seal: of a container that stays the same: one of its writers comes before others, then one that
                followed them.

        Raises:
            UsageProblem: there is none.
        """
        found = []
        for identity in self.identities:
            try:
                found.append(identity.signing)
            except WrongUseError:
                continue
        if seal is not None:
            listed = [key for key in found if key.key_id in {seal.seal.signer_key_id, *seal.seal.writers}]
            if found and not listed:
                from client.kept import writers  # noqa: PLC0415 - nearly always one is listed

                listed = [key for key in found if key.key_id in writers(seal)]
            found = listed or found
        if found:
            return found[0]
        if unlocked.identity:
            return Identity.from_seed(unlocked.identity, Use.PERSON).signing
        raise UsageProblem(
            N_("this container holds no key to sign with; add --identity FILE or --template FILE")
        )


class Template:
    """An opened template: whose it is, and what it asks of the containers made from it.

    Attributes:
        identity: the depositor, who seals and signs in.
        former: the keys in whose place it stands, the latest first: they open what they sealed, and sign
            who else may.
        policy: what is asked of new passwords: as a service said last, else as the template says.
    """

    def __init__(self, container: OpenContainer, former: tuple[Identity, ...] = ()) -> None:
        self.seal = container.examined.seal.seal
        self.recipients = _with_present_recovery(container)
        self.policy = asked_of(self.seal.dossier) or from_note(container.opened.manifest.note)
        self.identity = Identity.from_seed(container.unlocked.identity, Use.PERSON)
        self.former = former

    @property
    def reader(self) -> CarriedRecipient:
        """The depositor, as a reader of what it seals."""
        return CarriedRecipient("reader", 0, self.identity.public.kem)


def _with_present_recovery(container: OpenContainer) -> tuple[CarriedRecipient, ...]:
    """Return whom a template seals to; where the authority named another recovery key since, to that one."""
    from client.kept import present_recovery  # noqa: PLC0415 - only templates ask for it

    carried = container.opened.manifest.recipients
    present = present_recovery(container.examined.seal)
    if present is None or not any(one.role == "recovery" for one in carried):
        return carried
    others = tuple(one for one in carried if one.role != "recovery")
    return (*others, CarriedRecipient("recovery", 0, present))


def template_policy(path: str, access: PasswordAccess, dossier: str) -> str | None:
    """Return what is asked of new passwords: as the profile knows, else as the template at ``path`` says.

    Raises:
        RefusedContainer: any outcome.
    """
    if known := asked_of(dossier):
        return known
    with open_file(path, Access(list, lambda: access)) as container:
        return from_note(container.opened.manifest.note)


def open_template(path: str, who: Who) -> Template:
    """Open the template at ``path`` with the user name and password.

    Raises:
        RefusedContainer: any outcome.
        UsageProblem: a container, but not a template.
    """
    with open_file(path, Access(list, who.password_access)) as container:
        if container.examined.seal.seal.evidence_type != TEMPLATE or not container.unlocked.identity:
            raise UsageProblem(N_("{path}: this container is not a template"), path=path)
        return Template(container, _former(container, who))


def _former(container: OpenContainer, who: Who) -> tuple[Identity, ...]:
    if len(container.examined.envelope.envelope.password_slots) == 1:
        return ()
    first, *others = unlock_all(container.examined, who.password_access())
    assert first.slot_id == container.unlocked.slot_id
    return tuple(Identity.from_seed(other.identity, Use.PERSON) for other in others if other.identity)
