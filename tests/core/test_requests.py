"""Requests are counted and timed by kind, and each has an id that no stranger chooses."""

from typing import Any

import pytest
from pytest_django import Settings

from saas.core.metrics import REGISTRY
from saas.core.requests import HEADER, Requests, kind_of


def sample(name: str, **labels: str) -> float:
    """What Prometheus would be told."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class TestRequests:
    async def ask(self, path: str = "/", status: int = 200, **headers: str) -> dict[bytes, bytes]:
        """The headers of the answer."""
        said: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async def send(event: Any) -> None:
            said.append(event)

        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await Requests(application)({"type": "http", "method": "GET", "path": path, "headers": given}, None, send)
        return dict(said[0]["headers"])

    async def test_each_is_counted_by_the_class_of_its_status(self) -> None:
        before = [sample("porchlight_http_requests_total", status=name) for name in ("2xx", "4xx", "5xx")]
        for status in (200, 204, 404, 500):
            await self.ask(status=status)
        after = [sample("porchlight_http_requests_total", status=name) for name in ("2xx", "4xx", "5xx")]
        assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]

    async def test_each_has_an_id_of_its_own(self) -> None:
        one, other = [(await self.ask())[HEADER] for _ in range(2)]
        assert one != other

    async def test_a_stranger_may_not_choose_it(self, settings: Settings) -> None:
        settings.SECURE_PROXY_SSL_HEADER = None
        assert (await self.ask(x_request_id="chosen-by-a-stranger"))[HEADER] != b"chosen-by-a-stranger"

    async def test_a_proxy_of_ours_may(self, settings: Settings) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        assert (await self.ask(x_request_id="given-by-our-proxy"))[HEADER] == b"given-by-our-proxy"

    @pytest.mark.parametrize("bad", ["short", "with spaces in it", "x" * 65, "line\nbreak-in-it"])
    async def test_but_not_any_text(self, settings: Settings, bad: str) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        assert (await self.ask(x_request_id=bad))[HEADER] != bad.encode()

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/inbox/", "page"),
            ("/", "page"),
            ("", "page"),
            ("/api/v1/rooms", "api"),
            ("/api/v1/events", "poll"),
            ("/w/key/config", "widget"),
            ("/w/key/frames", "poll"),
            ("/static/built/loader.js", "static"),
        ],
    )
    def test_what_sort_it_is(self, path: str, kind: str) -> None:
        assert kind_of(path) == kind
