"""How passwords are stored. The other tests hash theirs in one round, by `tests/support/settings.py`."""

from django.conf import global_settings
from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher, make_password
from pytest_django import Settings

from saas import settings as product

RECOMMENDED = 600_000  # rounds of PBKDF2 with SHA-256, by OWASP's cheat sheet on password storage


def test_the_product_stores_a_password_in_as_many_rounds_as_is_recommended(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = getattr(product, "PASSWORD_HASHERS", global_settings.PASSWORD_HASHERS)
    stored = make_password("a-lamp-in-the-rain")
    assert identify_hasher(stored).algorithm == "pbkdf2_sha256"
    assert int(get_hasher().decode(stored)["iterations"]) >= RECOMMENDED
    assert check_password("a-lamp-in-the-rain", stored)
    assert not check_password("a-lamp-in-the-sun", stored)
