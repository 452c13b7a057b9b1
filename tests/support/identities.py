"""What a site's backend says of its users, well and badly."""

import base64
import hmac
import json
import time
from typing import Any
from uuid import UUID, uuid4

import jwt

from chat.models import Visitor
from chat.services.identity import IdentityKey, make_identity_key
from tenants.context import TenantRef, in_tenant
from tenants.models import Role
from tests.support.community import team_member
from tests.support.talk import embed_key
from tests.support.widgets import Widget


def new_key(tenant: TenantRef) -> IdentityKey:
    return make_identity_key(tenant, team_member(tenant, Role.OWNER), site_of(tenant))


def site_of(tenant: TenantRef) -> UUID:
    return UUID(str(embed_key(tenant).site_id))


def claims(widget: Widget, **said: Any) -> dict[str, Any]:
    """Good ones; keywords change or (None) take them away."""
    good = {"sub": "user-1", "name": "Vic", "exp": int(time.time()) + 120, "jti": uuid4().hex, "aud": widget.key, **said}
    return {name: value for name, value in good.items() if value is not None}


def signed(widget: Widget, key: IdentityKey, **said: Any) -> str:
    """What the shop's backend makes."""
    return jwt.encode(claims(widget, **said), key.secret, algorithm="HS256", headers={"kid": key.kid})


def by_hand(head: Any, body: Any, secret: str, digest: str = "sha256") -> str:
    """A token that no library would make."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)]
    mac = hmac.new(secret.encode(), ".".join(parts).encode(), digest).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(mac).decode().rstrip("=")])


def visitor_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return str(answer.json()["visitor"]["id"])


def external_ids(tenant: TenantRef) -> list[str]:
    with in_tenant(tenant):
        return [str(one) for one in Visitor.objects.exclude(external_id=None).values_list("external_id", flat=True)]
