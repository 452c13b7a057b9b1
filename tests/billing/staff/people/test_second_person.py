"""Second factors are taken away: asked for by one member of staff, approved by another, or declined with a reason."""

from threading import Thread
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.models import FactorRemoval
from billing.services import second_factors
from saas.core.errors import AppError, BadFrame, Conflict, Forbidden
from tenants.context import TenantRef
from tenants.models import Membership, Role, User
from tests.billing.staff.people.desk import PEOPLE, WHY, ask_on_page, asked, desk, factors, page_of, settle, words
from tests.support.people import give_factor, host, join, mails_to, signed_in, text_of
from tests.support.web import PLATFORM, Browser, Page


class TestSecondPerson:
    def test_one_asks_and_another_approves(self, sam: User, lea: User, nell: User) -> None:
        first, second = desk(sam), desk(lea)
        shown = first.follow(ask_on_page(first, nell))
        assert "Nothing is taken away before somebody else of the staff approves it" in words(shown)
        assert factors(nell) == 2
        assert "Somebody else must approve what you asked for." in words(first.get(PEOPLE))
        waiting = words(second.get(PEOPLE))
        assert "Waiting for a second person" in waiting
        assert WHY in waiting
        removal = FactorRemoval.objects.get(user=nell)
        done = words(settle(second, removal, "approve"))
        assert "Taken away: authenticator app, recovery codes." in done
        assert factors(nell) == 0
        assert mails_to(nell.email) == 1
        removal.refresh_from_db()
        assert (removal.status, removal.requested_by, removal.settled_by) == ("done", sam, lea)
        assert "They have no second factor." in done

    def test_not_the_same_person(self, sam: User, nell: User) -> None:
        removal, browser = asked(nell, sam), desk(sam)
        assert "Somebody else must approve what you asked for." in words(settle(browser, removal, "approve"))
        with pytest.raises(Forbidden):
            second_factors.approve(removal.id, by=sam)
        assert factors(nell) == 2

    def test_the_database_holds_it_too(self, sam: User, nell: User) -> None:
        removal = asked(nell, sam)
        for values in ({"status": "done"}, {"status": "done", "settled_by": sam}, {"status": "done", "settled_by": nell}):
            with pytest.raises(IntegrityError), transaction.atomic():
                FactorRemoval.objects.filter(id=removal.id).update(**values)
        with pytest.raises(IntegrityError), transaction.atomic():
            FactorRemoval.objects.filter(id=removal.id).update(requested_by=nell)

    def test_declined_with_a_reason(self, sam: User, lea: User, nell: User) -> None:
        removal, browser = asked(nell, sam), desk(lea)
        page = words(settle(browser, removal, "decline", reason="She called me: it was not her."))
        assert "keeps their second factor" in page
        assert "She called me: it was not her." in page
        assert factors(nell) == 2
        with pytest.raises(Conflict, match="declined already"):
            second_factors.approve(removal.id, by=lea)

    def test_one_takes_back_what_one_asked(self, sam: User, nell: User) -> None:
        removal = asked(nell, sam)
        assert "Take it back" in words(desk(sam).get(page_of(nell)))
        assert second_factors.decline(removal.id, by=sam, reason="The wrong Nell.").status == "declined"

    def test_it_is_done_once(self, sam: User, lea: User, nell: User) -> None:
        removal = asked(nell, sam)
        second_factors.approve(removal.id, by=lea)
        with pytest.raises(Conflict, match="done already"):
            second_factors.approve(removal.id, by=lea)
        assert mails_to(nell.email) == 1

    def test_nothing_is_done_for_who_has_none_left(self, sam: User, lea: User, nell: User) -> None:
        removal = asked(nell, sam)
        Authenticator.objects.filter(user=nell).delete()
        with pytest.raises(Conflict, match="has no second factor"):
            second_factors.approve(removal.id, by=lea)
        assert FactorRemoval.objects.get(id=removal.id).status == "waiting"
        assert mails_to(nell.email) == 0

    def test_a_form_sent_twice_is_one_and_a_second_one_waits(self, sam: User, lea: User, nell: User) -> None:
        key = uuid4()
        made = second_factors.ask(nell.id, by=sam, reason=WHY, form_key=key)
        assert second_factors.ask(nell.id, by=sam, reason=WHY, form_key=key) == made
        with pytest.raises(Conflict, match="asked for already"):
            asked(nell, lea)
        assert FactorRemoval.objects.filter(user=nell).count() == 1

    def test_it_is_approved_and_done_by_a_command_at_once(self, sam: User, lea: User, nell: User) -> None:
        """Both lock the person first: one waits for the other, and finds it settled."""
        removal, said = asked(nell, sam), list[Exception]()
        approving = Thread(target=approve_apart, args=(removal, lea, said))
        with transaction.atomic():
            User.objects.select_for_update().get(id=nell.id)  # as the command does
            approving.start()
            while approving.is_alive() and not somebody_waits_for_us():
                pass
            second_factors.remove_by_operator(nell.email, reason="I know her.")
        approving.join()
        assert [(type(one), str(one)) for one in said] == [(Conflict, "This is declined already.")]
        assert mails_to(nell.email) == 1


def approve_apart(removal: FactorRemoval, by: User, said: list[Exception]) -> None:
    """On a connection of its own; what it was told instead."""
    try:
        second_factors.approve(removal.id, by=by)
    except (AppError, DatabaseError) as error:
        said.append(error)
    finally:
        connection.close()


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))")
        return bool(cursor.fetchone()[0])


class TestForm:
    """A form carries a key, so that it is one however often it is sent."""

    def test_one_that_was_declined_says_so_and_keeps_what_was_typed(self, sam: User, lea: User, nell: User) -> None:
        browser, key = desk(sam), uuid4()
        browser.follow(ask_on_page(browser, nell, form_key=str(key)))
        second_factors.decline(FactorRemoval.objects.get(form_key=key).id, by=lea, reason="Call her first.")
        answer = ask_on_page(browser, nell, form_key=str(key), reason="I called her.")
        assert answer.status_code == 422
        assert "This form was settled already" in words(answer)
        assert "Asked." not in words(answer)
        assert "I called her.</textarea>" in text_of(answer)
        assert f'href="/staff/people/{nell.id}/?csv=' in text_of(answer), "a link leads to the page, not to the form"
        send_again(browser, nell, answer)

    def test_one_for_somebody_else_too(self, sam: User, nell: User, tenant: TenantRef) -> None:
        browser, key, kim = desk(sam), uuid4(), join(tenant, Role.AGENT, "Kim").user
        give_factor(kim)
        ask_on_page(browser, kim, form_key=str(key))
        answer = ask_on_page(browser, nell, form_key=str(key), reason="I called her.")
        assert answer.status_code == 422
        assert "This form was sent for somebody else before." in words(answer)
        assert "asked for already" not in words(answer)
        assert "I called her.</textarea>" in text_of(answer)
        assert f'href="/staff/people/{nell.id}/?csv=' in text_of(answer), "a link leads to the page, not to the form"
        send_again(browser, nell, answer)

    def test_a_key_that_is_none_is_named(self, sam: User, nell: User) -> None:
        answer = ask_on_page(desk(sam), nell, form_key="x")
        assert answer.status_code == 422
        assert "Enter a valid UUID." in words(answer)


def send_again(browser: Browser, user: User, answer: Page) -> None:
    """As the page has it now: with another key."""
    form = answer.context["form"]
    assert ask_on_page(browser, user, form_key=form["form_key"].value(), reason=form["reason"].value()).status_code == 302
    assert FactorRemoval.objects.get(user=user, status="waiting").reason == "I called her."


class TestReason:
    @pytest.mark.parametrize("reason", ["", "   "])
    def test_none_is_refused_beside_the_field(self, sam: User, nell: User, reason: str) -> None:
        answer = ask_on_page(desk(sam), nell, reason=reason)
        assert answer.status_code == 422
        assert "Say why, and how you know that it is them." in answer.context["form"].errors["reason"]
        assert not FactorRemoval.objects.filter(user=nell).exists()
        with pytest.raises(BadFrame):
            asked(nell, sam, reason)

    def test_only_staff_read_it(self, sam: User, lea: User, nell: User, tenant: TenantRef) -> None:
        second_factors.approve(asked(nell, sam).id, by=lea)
        owner = Membership.objects.select_related("user").get(tenant_id=tenant.id, role=Role.OWNER)
        log = text_of(signed_in(tenant, owner, "/audit/").get(f"{host(tenant)}/audit/"))
        assert "took away the second factor of Nell" in " ".join(log.split())
        assert WHY not in log
        assert sam.email not in log

    @pytest.mark.parametrize(
        ("reason", "said"),
        [("", "Say why."), (" ", "Say why."), ("x" * 301, "Ensure this value has at most 300 characters (it has 301).")],
    )
    def test_a_bad_one_why_not_is_refused_beside_the_field(
        self, sam: User, lea: User, nell: User, reason: str, said: str
    ) -> None:
        removal, browser = asked(nell, sam), desk(lea)
        answer = browser.post(f"{PEOPLE}removals/{removal.id}/decline/", {"reason": reason})
        assert answer.status_code == 422
        assert said in answer.context["decline"].errors["reason"]
        assert f'role="alert">{said}</span>' in text_of(answer)
        assert reason.strip() in text_of(answer)
        removal.refresh_from_db()
        assert removal.status == "waiting"

    def test_three_hundred_characters_do(self, sam: User, lea: User, nell: User) -> None:
        settle(desk(lea), removal := asked(nell, sam), "decline", reason="x" * 300)
        removal.refresh_from_db()
        assert (removal.status, removal.answer) == ("declined", "x" * 300)

    def test_a_nul_is_refused_in_words(self, sam: User, lea: User, nell: User) -> None:
        removal, browser = asked(nell, sam), desk(lea)
        for path in (f"removals/{removal.id}/decline/", f"{nell.id}/second-factors/"):
            assert browser.post(PEOPLE + path, {"reason": "a\0b", "form_key": str(uuid4())}).status_code == 400
        removal.refresh_from_db()
        assert removal.status == "waiting"

    def test_a_nul_in_what_is_searched_for_too(self, lea: User) -> None:
        for path in ("people/", "money/audit/"):
            assert desk(lea).get(f"{PLATFORM}/staff/{path}?q=a%00b").status_code == 400

    @pytest.mark.parametrize(("verdict", "status"), [("decline", "declined"), ("refuse", "waiting"), ("waive", "waiting")])
    def test_a_verdict_that_is_none_is_not_found(self, sam: User, lea: User, nell: User, verdict: str, status: str) -> None:
        removal, browser = asked(nell, sam), desk(lea)
        answer = browser.post(f"{PEOPLE}removals/{removal.id}/{verdict}/", {"reason": "Not her."})
        assert answer.status_code == (302 if status == "declined" else 404)
        removal.refresh_from_db()
        assert removal.status == status
