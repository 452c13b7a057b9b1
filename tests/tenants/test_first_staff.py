"""The first member of staff: made by a command, also where nobody can type a password into it."""

from uuid import uuid4

import pytest

from tenants.models import User
from tests.support.cluster import manage
from tests.support.web import PLATFORM, Browser
from tests.tenants.test_you import NEW, link_in, mail_to


@pytest.mark.parametrize("as_owner", ["0", "1"])  # in a container that serves, in a task that migrates
def test_they_choose_their_password_by_mail(browser: Browser, database: None, as_owner: str) -> None:
    email = f"{uuid4().hex}@staff.example"
    manage("createsuperuser", "--noinput", "--email", email, "--name", "Sam", DATABASE_AS_OWNER=as_owner)
    assert not User.objects.get(email=email).has_usable_password()
    browser.post(f"{PLATFORM}/you/password/reset/", {"email": email})
    browser.follow(browser.get(link_in(mail_to(email)["text"])))
    browser.follow(browser.post(browser.url, {"password1": NEW, "password2": NEW}))
    signed_in = Browser()
    signed_in.get(f"{PLATFORM}/sign-in/")
    signed_in.follow(signed_in.post(f"{PLATFORM}/sign-in/", {"login": email, "password": NEW}))
    assert signed_in.get(f"{PLATFORM}/staff/").status_code == 200
