"""How often a member of the team may act on rooms over HTTP."""

from uuid import uuid4

import pytest

from chat.views.acting import ActingView
from chat.views.reports import RoomReportsView
from saas.core.ratelimit import Limit
from tenants.context import TenantRef
from tests.support.api import signed_in
from tests.support.community import community

ACTS = [
    ("post", "", {"kind": "team", "title": "Ops"}),
    ("patch", "/{room}", {"locked": True}),
    ("post", "/{room}/archive", None),
    ("post", "/{room}/move", {"to": "up"}),
    ("post", "/{room}/reports", {"message": str(uuid4())}),
    ("post", "/{room}/pins", {"message": str(uuid4())}),
    ("delete", "/{room}/pins/{other}", None),
    ("put", "/{room}/members/{other}", {"mute_for": 60}),
    ("delete", "/{room}/members/{other}", None),
    ("post", "/{room}/invitations", {"expires_in": 60}),
    ("delete", "/{room}/invitations/{other}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ACTS)
def test_acts_are_counted_and_looking_is_not(
    acme: TenantRef, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: object
) -> None:
    for view in (ActingView, RoomReportsView):  # which has a limit of its own
        monkeypatch.setattr(view, "limit", Limit(f"test_acts_{uuid4()}", 1, 60))
    program, room = signed_in(acme, "ada@acme.example"), community(acme)
    address = f"/rooms{path.format(room=room, other=uuid4())}"
    said = [getattr(program, method)(address, *([] if method == "delete" else [body])) for _ in range(2)]
    assert said[0].status_code != 429
    assert said[1].status_code == 429
    assert said[1].json()["error"]["code"] == "rate_limited"
    assert int(said[1].headers["Retry-After"]) >= 1
    assert program.get(f"/rooms/{room}").status_code == 200
    assert signed_in(acme, "ben@acme.example").delete(f"/rooms/{room}/pins/{uuid4()}").status_code != 429
