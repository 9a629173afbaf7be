"""Who answers the calls that come in at the gateway."""

from __future__ import annotations

from typing import Protocol

from pipeline.leg import CallLeg
from telephony.call_log import CallLog
from telephony.transfer import AfterCall


class Reception(Protocol):
    """What the gateway needs of whoever holds the conversations. Owned by the gateway."""

    @property
    def calls(self) -> CallLog:
        """The calls that are up, and the last that were."""
        ...

    def ready(self) -> str | None:
        """None when calls can be answered, else why not, in words."""
        ...

    def admit(self) -> bool:
        """Whether there is room for one more call. Asked before the token is given, and again when the stream starts."""
        ...

    async def converse(self, leg: CallLeg) -> None:
        """Hold one call: subscribe before the first await, return after `Ended`.

        Returning earlier hangs up when the queued audio has been heard; raising hangs up now and touches no other call. A second after
        `Ended` the task is cancelled.
        """
        ...

    def after_call(self, call_sid: str) -> AfterCall:
        """What follows the stream of this call, known or not (POST /twilio/next). Transfers by the leg are not asked for here."""
        ...
