"""Forms with one key that come at the very same moment: a repeat is one, and for somebody else it is refused beside the field."""

from functools import partial
from uuid import uuid4

import pytest

from billing.models import FactorRemoval
from tenants.context import TenantRef
from tenants.models import Role, User
from tests.billing.staff.people.desk import ask_on_page, desk, words
from tests.support.order import at_once_behind
from tests.support.people import give_factor, join


@pytest.fixture
def kim(tenant: TenantRef) -> User:
    """Another agent with a second factor."""
    user = join(tenant, Role.AGENT, "Kim").user
    give_factor(user)
    return user


def test_for_one_person_it_is_one(sam: User, lea: User, nell: User) -> None:
    key, desks = str(uuid4()), [desk(sam), desk(lea)]
    held = User.objects.select_for_update().filter(id=nell.id)
    pages = at_once_behind(held.get, [partial(ask_on_page, one, nell, form_key=key) for one in desks])
    assert [page.status_code for page in pages] == [302, 302]
    assert FactorRemoval.objects.filter(form_key=key).count() == 1


def test_for_two_people_the_second_is_refused(sam: User, nell: User, kim: User) -> None:
    """Both have seen that nobody used the key: who asks is held, whom their rows need at their commit."""
    key, desks = str(uuid4()), [desk(sam), desk(sam)]
    held = User.objects.select_for_update().filter(id=sam.id)
    both = zip(desks, (nell, kim), strict=True)
    pages = at_once_behind(held.get, [partial(ask_on_page, one, who, form_key=key) for one, who in both])
    assert sorted(page.status_code for page in pages) == [302, 422]
    (refused,) = [page for page in pages if page.status_code == 422]
    assert "This form was sent for somebody else before." in words(refused)
    assert list(refused.context["form"].errors) == ["form_key"]
    assert refused.context["form"]["form_key"].value() != key
    assert FactorRemoval.objects.filter(user__in=[nell, kim]).count() == 1
