"""Addresses of tenants: what a slug may be, and which are taken by the platform itself."""

import re

from saas.core.errors import BadFrame

SHORTEST, LONGEST = 3, 40
SHAPE = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")  # a host label (RFC 1123, 2.1), in lower case
RESERVED = frozenset(
    """
    about abuse account accounts admin administrator api app apps assets auth autoconfig autodiscover beta billing blog bot cdn
    chat config console contact dashboard data demo dev developer developers dns docs download email example feedback files ftp
    git help home host hostmaster hosting http https imap inbox info internal invite kb legal live local localdomain localhost
    login logout mail mailer marketing media metrics monitor mx news noc ns ns1 ns2 oauth ops partner pay payments platform
    pop pop3 porchlight postmaster press pricing privacy prod production proxy public register root sales sandbox secure
    security server shop sign-in sign-out sign-up signin signout signup smtp ssl sso staff staging static stats status store
    stripe support system team terms test testing tls tools tos upload usenet user users uucp vpn web webmaster webmail
    websocket widget wiki wpad ws wss www www1 www2 you
    """.split()  # noqa: SIM905 - readable as words
)


class BadSlug(BadFrame):
    """Not an address that a tenant can have; the message says which rule it breaks."""


def check_slug(slug: str) -> None:
    """Raise BadSlug unless a tenant may have this address. Whether it is free is the database's word."""
    if not SHORTEST <= len(slug) <= LONGEST:
        raise BadSlug(f"Use {SHORTEST} to {LONGEST} characters.", field="slug")
    if not SHAPE.fullmatch(slug):
        raise BadSlug("Use lower-case letters, digits and hyphens; begin and end with a letter or digit.", field="slug")
    if slug[2:4] == "--":  # reads as an internationalised label (RFC 5891, 4.2.3.1)
        raise BadSlug("Two hyphens may not stand in third place.", field="slug")
    if slug in RESERVED:
        raise BadSlug("This address is reserved; choose another.", field="slug")
