"""A program that uses a tenant's HTTP API with an access token."""

from typing import Any

from django.conf import settings
from django.test import Client

from tenants.context import TenantRef
from tenants.jwt_services import sign_in_by_password
from tests.support.cast import PASSWORD


class Program:
    """Calls `/api/v1` of a tenant's host; `token` None: without one."""

    def __init__(self, tenant: TenantRef, token: str | None) -> None:
        headers = {"Host": f"{tenant.slug}.{settings.BASE_HOST}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.client = Client(enforce_csrf_checks=True, headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        """The answer."""
        return self.client.get(f"/api/v1{path}", query_params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """The answer."""
        return self.client.post(f"/api/v1{path}", body, content_type="application/json")

    def patch(self, path: str, body: Any = None) -> Any:
        """The answer."""
        return self.client.patch(f"/api/v1{path}", body, content_type="application/json")

    def put(self, path: str, body: Any = None) -> Any:
        """The answer."""
        return self.client.put(f"/api/v1{path}", body, content_type="application/json")

    def delete(self, path: str, body: Any = None) -> Any:
        """The answer."""
        return self.client.delete(f"/api/v1{path}", body, content_type="application/json")


def signed_in(tenant: TenantRef, email: str) -> Program:
    """A program of one of the cast."""
    return Program(tenant, sign_in_by_password(tenant, email=email, password=PASSWORD).access)
