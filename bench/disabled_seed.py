"""`python -m bench.disabled_seed SLUG COUNT`: a tenant with so many agents; their tickets, and its owner's cookie, as JSON.

Run with the server's environment.
"""

import json
import os
import sys
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from bench.signed_in import cookie_of
from billing.services.comps import give_key
from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tenants.provisioning import create_tenant
from tenants.tokens import issue_socket_ticket


def seed(slug: str, count: int) -> dict[str, Any]:
    """The cookie, and of each agent the id of the membership and a ticket that is good for 15 minutes."""
    owner = User.objects.create(email=f"owner@{slug}.example", name="Olga", password="!")
    tenant = create_tenant(slug=slug, name=slug.title(), owner=owner)
    give_key(tenant.id, "team", seats=count + 1)
    return {"cookie": cookie_of(tenant, owner), "agents": [_agent(tenant, number) for number in range(count)]}


def _agent(tenant: TenantRef, number: int) -> dict[str, str]:
    ben = User.objects.create(email=f"ben{number}@{tenant.slug}.example", name="Ben", password="!")
    member = Membership.objects.create(tenant_id=tenant.id, user=ben, role=Role.AGENT)
    ticket = issue_socket_ticket(tenant, user_id=ben.id, name=ben.name, role=Role.AGENT, sid=str(uuid4()))
    return {"member": str(member.id), "ticket": ticket.token}


if __name__ == "__main__":
    print(json.dumps(seed(sys.argv[1], int(sys.argv[2]))))
