"""The SDK's clients: one for plain calls, one for each event loop. Both retry twice, with the same idempotency key."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

import stripe

TIMEOUT: Final = 10.0  # seconds of one try
RETRIES: Final = 2  # of lost connections, conflicts and faults at Stripe; 429 is the caller's matter
PAGE: Final = 100


class Clients:
    """What the parts of the gateway are built on: `stripe` for plain calls."""

    def __init__(self, key: str, api_base: str = "") -> None:
        self._key, self._addresses = key, {"api": api_base} if api_base else {}
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, stripe.StripeClient] = WeakKeyDictionary()
        self._http: WeakKeyDictionary[asyncio.AbstractEventLoop, stripe.HTTPXClient] = WeakKeyDictionary()
        self.stripe: stripe.StripeClient = self._made(stripe.RequestsClient(timeout=TIMEOUT))

    def of_loop(self) -> stripe.StripeClient:
        """The client of the event loop that is running, made at the first call."""
        loop = asyncio.get_running_loop()
        if loop not in self._async:
            self._http[loop] = stripe.HTTPXClient(timeout=TIMEOUT)
            self._async[loop] = self._made(self._http[loop])
        return self._async[loop]

    async def a_close(self) -> None:
        """Close the connections of this loop's client. The next call makes a new one."""
        loop = asyncio.get_running_loop()
        if http := self._http.pop(loop, None):
            del self._async[loop]
            await http.close_async()  # type: ignore[no-untyped-call]

    def _made(self, http: stripe.HTTPClient) -> stripe.StripeClient:
        addresses: Any = self._addresses
        return stripe.StripeClient(self._key, http_client=http, max_network_retries=RETRIES, base_addresses=addresses)


def keyed(key: str) -> Any:
    """The options of a call under our idempotency key."""
    return {"idempotency_key": key}


def given(**values: Any) -> Any:
    """Parameters without those that are None."""
    return {name: value for name, value in values.items() if value is not None}


def tenant_in(metadata: Mapping[str, Any] | None) -> str:
    """Our tenant's id, which stands in the metadata of what we made."""
    return str((metadata or {}).get("tenant", ""))


def adjustment_in(raw: Mapping[str, Any]) -> str:
    """The id of our adjustment that something was made for."""
    return str((raw.get("metadata") or {}).get("adjustment", ""))
