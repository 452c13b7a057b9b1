"""Keys that sign tokens, derived from the installation's secrets and kept by nobody."""

import hmac
from functools import lru_cache
from hashlib import sha256

from django.conf import settings

from saas.core.errors import Unauthenticated


class Unreadable(Unauthenticated):
    """What was encrypted under a secret that is no longer ours. Nobody can prove anything with it."""

    silent_variable_failure = True  # Django's word: a template that counts recovery codes counts none

    def __init__(self) -> None:
        super().__init__("No code can be checked here any more: what it is compared with is lost. Use a passkey.")


def current_secret() -> tuple[str, str]:
    """The id of the secret that signs now, and the secret. The id is a digest of it, so that nobody has to name them."""
    return next(iter(_secrets().items()))


def secret_of(kid: str) -> str:
    """The secret of this id, the current one or one before it. Raises Unauthenticated for an id that is none of ours."""
    try:
        return _secrets()[kid]
    except KeyError:
        raise Unauthenticated("The token is not valid.") from None


@lru_cache(maxsize=4096)
def derive(secret: str, purpose: str) -> bytes:
    """A key of its own for each purpose (HMAC as the extract step of RFC 5869; the output is one block, so no expand)."""
    return hmac.new(secret.encode(), f"porchlight:{purpose}".encode(), sha256).digest()


def _secrets() -> dict[str, str]:
    """Key id to secret, the current one first."""
    return _by_kid((str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)))


@lru_cache
def _by_kid(secrets: tuple[str, ...]) -> dict[str, str]:
    return {derive(secret, "kid").hex()[:8]: secret for secret in secrets}
