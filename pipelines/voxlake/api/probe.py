"""Find out whether a method may be called, by a call that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxlake.api.errors import ACCOUNT, CREDENTIALS, STALE_TOKEN, ApiAnswerError, answer_fault, checked
from voxlake.transform import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.api.transport import ApiClient

_MISSING_ROLE: Final = 100


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What the API answered: `code` of its error and the sentence with it, or None where there was none."""

    code: int | None = None
    said: str = ""

    @property
    def refuses_credentials(self) -> bool:
        """Whether key or role are refused."""
        return self.code in CREDENTIALS

    @property
    def may_be_role(self) -> bool:
        """Whether a missing role can be the reason: the API answers that as it answers a wrong key."""
        return self.code == _MISSING_ROLE

    @property
    def refuses_account(self) -> bool:
        """Whether the account is refused: it is frozen, not activated, or out of money."""
        return self.code in ACCOUNT


def probe(client: ApiClient, method: str, parameters: Mapping[str, str], *, once: bool = False) -> ProbeAnswer:
    """Call a method and return what the API answers; what comes with an answer is dropped.

    A method that sends is called `once`, and without the parameters that it needs: a message without a recipient cannot
    be sent.

    Raises what `ApiClient.call` raises where there is no answer of the API's, and for a token that is refused twice.
    """

    def read(body: bytes) -> ProbeAnswer:
        try:
            checked(parse_json(body))
        except ApiAnswerError as answer:
            if answer.code in STALE_TOKEN or answer_fault(answer, once=once) is not None:
                raise
            return ProbeAnswer(answer.code, str(answer))
        return ProbeAnswer()

    return client.call(method, parameters, read, roles=(), once=once, private=True)
