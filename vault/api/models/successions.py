"""Keys that hand over to the next one: an account's, the authority's."""

from __future__ import annotations

from pydantic import Field

from vault.api.models.base import Answer, Base64, Count, Hex16, Hex32, Request, SignedStatement, Time


class KeySuccession(Request):
    """An identity hands over to a new one, which stands in its place from then on.

    ``signature`` is over origin, the unwrapped challenge and the key id, in the context of possession: who
    made it has both private halves of the new identity.
    """

    statement: SignedStatement = Field(description="The succession, signed by the old key.")
    challenge: Hex16 = Field(description="One that was wrapped to the new identity, as for an enrolment.")
    signature: Base64


class AccountSucceeded(Answer):
    """Which identity an account has from now on."""

    account: Hex16
    former: Hex32 = Field(description="Id of the signing key that handed over.")
    key_id: Hex32 = Field(description="Id of the signing key that followed.")
    grants: Count = Field(description="How many went over; each is still wrapped to the old KEM key.")
    since: Time
