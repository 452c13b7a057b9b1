"""A browser without a screen: one jar of cookies per host, as real ones keep them, and redirects across hosts."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from billing import standing
from saas.core import ratelimit
from tenants import lookup
from tests.support.cast import PASSWORD

Page = Any  # Django's test client adds `json()` and `context` to its responses, which has no name
PLATFORM = "http://localhost:8000"
ACME = "http://acme.localhost:8000"
GLOBEX = "http://globex.localhost:8000"


class Browser:
    """Follows no redirect by itself; `follow` does."""

    def __init__(self) -> None:
        self._jars: dict[str, Client] = {}
        self.url = ""

    def jar(self, host: str) -> Client:
        """The client that holds the cookies of one host, such as `acme.localhost:8000`."""
        if host not in self._jars:
            self._jars[host] = Client(headers={"host": host}, enforce_csrf_checks=False)
        return self._jars[host]

    def get(self, url: str) -> Page:
        """The answer to a GET of an absolute address, or of a path on the host of the last one."""
        self.url = self._absolute(url)
        parts = urlsplit(self.url)
        return self.jar(parts.netloc).get(parts.path, query_params=_pairs(parts.query))

    def post(self, url: str, data: dict[str, Any]) -> Page:
        """The answer to a form that was sent."""
        self.url = self._absolute(url)
        parts = urlsplit(self.url)
        return self.jar(parts.netloc).post(parts.path, data, query_params=_pairs(parts.query))

    def follow(self, answer: Page, *, until: str = "") -> Page:
        """Go where redirects lead; stop before an address that contains `until`."""
        while answer.status_code in {301, 302, 303}:
            self.url = self._absolute(answer["Location"])
            if until and until in self.url:
                break
            answer = self.get(self.url)
        return answer

    def sign_in(self, url: str, email: str, password: str = PASSWORD) -> Page:
        """Open a page that needs a sign-in, as this person, and come back to it."""
        page = self.follow(self.get(url))
        if "/sign-in/" not in self.url:
            return page
        return self.follow(self.post(self.url, {"login": email, "password": password, "next": _pairs(self.query)["next"]}))

    @property
    def query(self) -> str:
        return urlsplit(self.url).query

    def _absolute(self, url: str) -> str:
        if url.startswith("http"):
            return url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{url}"


def _pairs(query: str) -> dict[str, str]:
    return dict(parse_qsl(query))


@pytest.fixture
def browser() -> Browser:
    """A fresh browser."""
    return Browser()


@pytest.fixture
def nothing_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process keeps of hosts, people and tenants it knows for the whole test, so that a count of queries is not one of
    seconds."""
    monkeypatch.setattr(lookup, "KEEP", (3_600.0, 3_600.0))
    monkeypatch.setattr(standing, "FRESH", 3_600.0)


@pytest.fixture(autouse=True)
def _fresh_process(settings: Settings) -> Iterator[None]:
    """Nothing counted yet; static files by their plain names, since nobody collected them."""
    storages = deepcopy(django_settings.STORAGES)
    storages["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = storages
    _forget_counts()
    yield
    _forget_counts()


def _forget_counts() -> None:
    """Ours, and allauth's, which it keeps in the cache."""
    ratelimit.forget_all()
    cache.clear()
