"""Who acts in the tests of rooms."""

import pytest

from tenants.context import TenantRef
from tenants.models import Role
from tenants.tokens import Principal
from tests.support.api import Program, signed_in
from tests.support.community import (
    team_member,
)


@pytest.fixture
def ada_(acme: TenantRef) -> Principal:
    """The owner of acme."""
    return team_member(acme, Role.OWNER)


@pytest.fixture
def program(acme: TenantRef) -> Program:
    """Ada's."""
    return signed_in(acme, "ada@acme.example")
