"""Who may help people in: support and superusers, nobody for themselves, and for staff superusers alone."""

from uuid import uuid4

import pytest

from billing.models import FactorRemoval
from billing.services import second_factors
from saas.core.errors import Conflict, Forbidden, NotFound
from tenants.context import TenantRef
from tenants.models import Role, User
from tests.billing.staff.conftest import MakeStaff
from tests.billing.staff.people.desk import PEOPLE, WHY, ask_on_page, asked, desk, factors, page_of, words
from tests.support.people import give_factor, join
from tests.support.web import PLATFORM, Browser


class TestWhoMay:
    @pytest.mark.parametrize(("group", "status"), [("support", 302), ("billing", 403), ("", 302)])
    def test_support_and_superusers_ask(self, make_staff: MakeStaff, nell: User, group: str, status: int) -> None:
        assert ask_on_page(desk(make_staff(group)), nell).status_code == status
        assert FactorRemoval.objects.filter(user=nell).exists() == (status == 302)

    @pytest.mark.parametrize(("group", "left"), [("support", 0), ("billing", 2), ("", 0)])
    def test_support_and_superusers_approve(self, make_staff: MakeStaff, sam: User, nell: User, group: str, left: int) -> None:
        removal, browser = asked(nell, sam), desk(make_staff(group))
        browser.post(f"{PEOPLE}removals/{removal.id}/approve/", {})
        assert factors(nell) == left

    def test_billing_looks_only(self, make_staff: MakeStaff, nell: User) -> None:
        assert "Your group may look only." in words(desk(make_staff("billing")).get(page_of(nell)))

    def test_nobody_else_comes_near(self, sam: User, nell: User, tenant: TenantRef) -> None:
        """Neither a stranger nor the owner of their tenant, nor staff of no group."""
        removal, owner, outside = asked(nell, sam), Browser(), Browser()
        owner.sign_in(f"{PLATFORM}/home/", f"owner@{tenant.slug}.example")
        for browser in (owner, outside):
            for path in ("", f"{nell.id}/", f"{nell.id}/second-factors/", f"removals/{removal.id}/approve/"):
                for answer in (browser.get(PEOPLE + path), browser.post(PEOPLE + path, {"reason": WHY})):
                    assert answer.status_code == 302
                    assert "/login/" in answer["Location"] or "/sign-in/" in answer["Location"]
        assert factors(nell) == 2
        loose = desk(sam)
        sam.groups.clear()
        assert loose.get(PEOPLE).status_code == 403

    def test_staff_are_helped_by_superusers_alone(self, make_staff: MakeStaff, sam: User, lea: User) -> None:
        boss, other, mia = make_staff(""), make_staff(""), make_staff("support")
        give_factor(mia)
        with pytest.raises(Forbidden, match="Only superusers"):
            asked(mia, sam)
        removal = asked(mia, boss)
        with pytest.raises(Forbidden, match="Only superusers"):
            second_factors.approve(removal.id, by=lea)
        assert factors(mia) == 2
        second_factors.approve(removal.id, by=other)
        assert factors(mia) == 0

    def test_nobody_helps_themselves(self, make_staff: MakeStaff) -> None:
        boss, other = make_staff(""), make_staff("")
        give_factor(boss)
        with pytest.raises(Forbidden, match="This is you"):
            asked(boss, boss)
        removal = asked(boss, other)
        with pytest.raises(Forbidden, match="This is you"):
            second_factors.approve(removal.id, by=boss)
        assert factors(boss) == 2

    def test_nothing_of_who_is_unknown_or_has_none(self, sam: User, tenant: TenantRef) -> None:
        with pytest.raises(NotFound):
            second_factors.ask(uuid4(), by=sam, reason=WHY, form_key=uuid4())
        with pytest.raises(NotFound):
            second_factors.approve(uuid4(), by=sam)
        kim = join(tenant, Role.AGENT, "Kim").user
        with pytest.raises(Conflict, match="has no second factor"):
            asked(kim, sam)
        answer = ask_on_page(desk(sam), kim)
        assert answer.status_code == 409
        assert desk(sam).post(f"{PEOPLE}removals/{uuid4()}/approve/", {}).status_code == 404
