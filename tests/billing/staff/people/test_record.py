"""What staff did for somebody who lost their second factor is written down, also where a command did it."""

import pytest

from billing.models import BillingAudit
from billing.services import second_factors
from saas.core.errors import BadFrame, NotFound
from tenants.models import User
from tests.billing.staff.people.desk import WHY, ask_on_page, asked, desk, factors, words
from tests.support.cluster import manage
from tests.support.people import address
from tests.support.web import PLATFORM


class TestRecord:
    def test_each_step_stands_in_staff_s_own_record(self, sam: User, lea: User, nell: User) -> None:
        removal = asked(nell, sam)
        second_factors.decline(removal.id, by=lea, reason="Ask her for a call.")
        second_factors.approve(asked(nell, sam).id, by=lea)
        rows = list(BillingAudit.objects.filter(after__person=nell.email).order_by("id"))
        assert [(row.action, row.actor, row.reason) for row in rows] == [
            ("second_factor.ask", sam.email, WHY),
            ("second_factor.decline", lea.email, "Ask her for a call."),
            ("second_factor.ask", sam.email, WHY),
            ("second_factor.remove", lea.email, ""),
        ]
        assert all(row.is_staff and row.tenant_id is None for row in rows)
        assert rows[-1].after["factors"] == "authenticator app, recovery codes"

    def test_it_is_found_by_the_person_s_address_and_says_from_where(self, sam: User, nell: User) -> None:
        browser = desk(sam)
        ask_on_page(browser, nell)
        page = words(browser.get(f"{PLATFORM}/staff/money/audit/?q={nell.email}"))
        assert "second_factor.ask" in page
        assert "127.0.0.1" in page


class TestCommand:
    def test_an_operator_without_two_members_of_staff(self, sam: User, nell: User) -> None:
        removal = asked(nell, sam)
        said = manage("remove_second_factors", nell.email, "--reason", "I know her.").stdout
        assert "Taken away: authenticator app, recovery codes." in said
        assert factors(nell) == 0
        removal.refresh_from_db()
        assert (removal.status, removal.answer) == ("declined", "Done by a command.")
        row = BillingAudit.objects.get(action="second_factor.remove", after__person=nell.email)
        assert (row.actor, row.reason) == ("", "I know her.")

    @pytest.mark.parametrize(
        ("email", "reason", "refusal"),
        [pytest.param(address(), WHY, NotFound, id="nobody"), pytest.param("", " ", BadFrame, id="no reason")],
    )
    def test_what_it_refuses(self, nell: User, email: str, reason: str, refusal: type[Exception]) -> None:
        with pytest.raises(refusal):
            second_factors.remove_by_operator(email or nell.email, reason=reason)
        assert factors(nell) == 2
