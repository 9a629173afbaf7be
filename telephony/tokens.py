"""One-use tokens: what ties a media stream to the webhook that asked for it."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable

NS_PER_S = 1_000_000_000


class Tokens:
    """At most `capacity` tokens, one a CallSid, each good once and for `ttl_s` seconds. Pure but for the dice, which can be handed in.

    A second token for the same call replaces the first (Twilio asks again when an answer was late). When full, the oldest goes.
    """

    def __init__(self, ttl_s: float, capacity: int = 1024, dice: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> None:
        self._ttl_ns = int(ttl_s * NS_PER_S)
        self._capacity = capacity
        self._dice = dice
        self._tokens: OrderedDict[str, tuple[str, int]] = OrderedDict()  # CallSid: (token, expiry); in the order of expiry

    def __len__(self) -> int:
        return len(self._tokens)

    def issue(self, call_sid: str, now_ns: int) -> str:
        """A new token for this call."""
        self._forget_expired(now_ns)
        self._tokens.pop(call_sid, None)
        while len(self._tokens) >= self._capacity:
            self._tokens.popitem(last=False)
        token = self._dice()
        self._tokens[call_sid] = (token, now_ns + self._ttl_ns)
        return token

    def redeem(self, token: str, call_sid: str, now_ns: int) -> bool:
        """Whether `token` is this call's and unspent; then it is spent. A wrong guess spends nothing."""
        self._forget_expired(now_ns)
        known, _ = self._tokens.get(call_sid, ("", 0))
        # Compared even when there is none, so that the time taken does not say which calls are waiting.
        same = hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogatepass"))
        if not known or not same:
            return False
        del self._tokens[call_sid]
        return True

    def _forget_expired(self, now_ns: int) -> None:
        while self._tokens:
            _, expiry_ns = next(iter(self._tokens.values()))
            if expiry_ns > now_ns:
                return
            self._tokens.popitem(last=False)
