"""Which web pages may embed a site: a list of origins, compared whole. Pure.

A pattern is an origin such as `https://shop.example` or `http://localhost:3000`, or one with `*.` in front of the host, which
stands for one or more labels: `https://*.shop.example` takes `https://a.b.shop.example` but not `https://shop.example`.
Origins come as a browser writes them (RFC 6454, section 6.2): lower case, ASCII, no default port, no path. Anything else, `null`
too, is no origin at all.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from saas.core.errors import BadFrame

LONGEST: Final = 300  # characters of one origin
MOST: Final = 50  # origins of one site

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]{{2,45}}\])"
_ORIGIN = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?")
_DEFAULT_PORT = {"http": "80", "https": "443"}


def origin_allowed(origin: str | None, patterns: Sequence[str]) -> bool:
    """True if a page of this origin may embed a site with this list."""
    if origin is None or not is_origin(origin):
        return False
    return any(_matches(origin, pattern) for pattern in patterns)


def is_origin(text: str) -> bool:
    """True for a web origin exactly as browsers write it."""
    found = _ORIGIN.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return False
    scheme, _, port = found.groups()
    return port is None or (int(port) < 2**16 and port != _DEFAULT_PORT[scheme])


def is_pattern(text: str) -> bool:
    """True for an origin, or for one with `*.` before a name: not before an address, nor before a whole top-level domain."""
    scheme, wildcard, host = text.partition("://*.")
    if not wildcard:
        return is_origin(text)
    return is_origin(f"{scheme}://{host}") and _has_subdomains_of_its_own(host)


def clean_patterns(texts: Sequence[str]) -> list[str]:
    """What a person typed, as patterns, each once. Raises BadFrame with field `allowed_origins`."""
    if len(texts) > MOST:
        raise BadFrame(f"There are {len(texts)} addresses; {MOST} is the most.", field="allowed_origins")
    return list(dict.fromkeys(_clean(text) for text in texts))


def _matches(origin: str, pattern: str) -> bool:
    scheme, wildcard, host = pattern.partition("://*.")
    if not wildcard:
        return origin == pattern
    return is_pattern(pattern) and origin.startswith(f"{scheme}://") and origin.endswith(f".{host}")


def _clean(text: str) -> str:
    """The pattern meant by an address: a path, upper case or a default port are taken away, other alphabets become punycode."""
    try:
        parts = urlsplit(text.strip())
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        raise _not_an_address(text) from None
    shown = f"[{host}]" if ":" in host else host
    keep_port = port is not None and str(port) != _DEFAULT_PORT.get(parts.scheme)
    pattern = f"{parts.scheme}://{shown}:{port}" if keep_port else f"{parts.scheme}://{shown}"
    if parts.username is not None or not is_pattern(pattern):
        raise _not_an_address(text)
    return pattern


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    start = "*." if host.startswith("*.") else ""
    return start + host.removeprefix("*.").encode("idna").decode()


def _has_subdomains_of_its_own(host: str) -> bool:
    name = re.sub(r":[0-9]+$", "", host)
    is_address = name.startswith("[") or name.rpartition(".")[2].isdigit()
    return name == "localhost" or ("." in name and not is_address)


def _not_an_address(text: str) -> BadFrame:
    return BadFrame(f"{text[:80]!r} is not an address like https://shop.example.", field="allowed_origins")
