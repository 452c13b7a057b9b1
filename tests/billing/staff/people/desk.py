"""Staff at the pages that help people in."""

import re
from typing import Any
from uuid import uuid4

from allauth.mfa.models import Authenticator

from billing.models import FactorRemoval
from billing.services import second_factors
from tenants.models import User
from tests.support.people import text_of
from tests.support.web import PLATFORM, Browser, Page

PEOPLE = f"{PLATFORM}/staff/people/"
WHY = "She called from the number in our contract."


def asked(user: User, by: User, why: str = WHY) -> FactorRemoval:
    return second_factors.ask(user.id, by=by, reason=why, form_key=uuid4())


def factors(user: User) -> int:
    return int(Authenticator.objects.filter(user=user).count())


def desk(staff: User) -> Browser:
    """A browser in which this member of staff has opened the page."""
    browser = Browser()
    browser.sign_in(PEOPLE, staff.email)
    return browser


def words(page: Page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text_of(page)))


def page_of(user: User) -> str:
    return f"{PEOPLE}{user.id}/"


def ask_on_page(browser: Browser, user: User, **said: Any) -> Page:
    return browser.post(f"{page_of(user)}second-factors/", {"reason": WHY, "form_key": str(uuid4()), **said})


def settle(browser: Browser, removal: FactorRemoval, verdict: str, **said: str) -> Page:
    return browser.follow(browser.post(f"{PEOPLE}removals/{removal.id}/{verdict}/", said))
