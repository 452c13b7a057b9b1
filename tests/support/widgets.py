"""The widget of a site in a browser that stands on the widget host."""

from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.test import Client

SHOP = "https://shop.example"
WIDGET = f"http://{settings.WIDGET_HOST}"


class Answer(Protocol):
    """What the test client gives."""

    status_code: int
    content: bytes
    headers: Any
    cookies: Any

    @property
    def json(self) -> Any: ...


@dataclass
class Widget:
    """One embed key, used from one browser."""

    key: str
    client: Client

    def get(self, what: str, **headers: str) -> Answer:
        return self.client.get(f"/w/{self.key}/{what}", headers=headers)

    def session(self, body: Any = None, *, origin: str | None = WIDGET, **said: Any) -> Answer:
        """`POST session`; keywords change or (None) take away fields of a good request."""
        asked = {"parent": SHOP, **said} if body is None else body
        if isinstance(asked, dict):
            asked = {name: value for name, value in asked.items() if value is not None}
        headers = {"Origin": origin} if origin else {}
        return self.client.post(f"/w/{self.key}/session", asked, content_type="application/json", headers=headers)


def browser() -> Client:
    """A client with no cookies yet. CSRF is checked, as for everybody."""
    return Client(enforce_csrf_checks=True, headers={"Host": settings.WIDGET_HOST})
