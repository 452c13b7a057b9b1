"""Where everything is and who may sign in: as a page for people, and as `up.json` for scripts and tests."""

import json
import os
from typing import Any, Final

from saas.up.options import Options

PASSWORD: Final = "porchlight-demo"  # noqa: S105  of a demo on the loopback; it is printed on the screen
STAFF: Final = "staff@porchlight.example"


def facts(options: Options, tenants: list[dict[str, Any]], *, stand_in: str | None) -> dict[str, Any]:
    """The contents of `up.json`. `tenants` have `slug`, `embed_key` and `members` with `email` and `role`, the owner first.

    `stand_in` is the address of the stand-in for Stripe, None with Stripe itself.
    """
    base = options.base_host
    return {
        "platform": f"http://{base}/",
        "connect": f"127.0.0.1:{options.port}",  # where *.localhost leads, for clients that cannot resolve it
        "staff": {"url": f"http://{base}/staff/", "email": STAFF, "password": PASSWORD},
        "demo_page": f"http://demo.{base}/",
        "members_page": f"http://demo.{base}/members/",  # where acme's customers sign in
        "mailbox": f"http://{base}/dev/mail/",
        "stripe's stand-in": f"{stand_in}/" if stand_in else None,
        "tenants": [_tenant(base, **tenant) for tenant in tenants],
    }


def _tenant(base: str, *, slug: str, embed_key: str, members: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "slug": slug,
        "inbox": f"http://{slug}.{base}/inbox/",
        "email": members[0]["email"],
        "password": PASSWORD,
        "embed_key": embed_key,
        "widget": f"http://widget.{base}/w/{embed_key}/frame",
        "demo_page": f"http://demo.{base}/" + ("" if slug == "acme" else f"{slug}/"),
        "members": [{**member, "password": PASSWORD} for member in members],
    }


def write(options: Options, known: dict[str, Any]) -> None:
    """Write `up.json`, whole or not at all."""
    partial = options.data_dir / "up.json.part"
    partial.write_text(json.dumps(known, indent=2) + "\n")
    partial.replace(options.data_dir / "up.json")


def remove(options: Options) -> None:
    """`up.json` stands only while its links work."""
    (options.data_dir / "up.json").unlink(missing_ok=True)


def page(options: Options, known: dict[str, Any]) -> str:
    """What a person wants to see after `make up`."""
    rows = [(f"{tenant['slug']}'s customer", tenant["demo_page"], "") for tenant in known["tenants"]]
    rows.insert(1, ("acme's, signed in", known["members_page"], ""))
    rows += [
        (f"{tenant['slug']}'s inbox" if member is tenant["members"][0] else "", tenant["inbox"], member["email"])
        for tenant in known["tenants"]
        for member in tenant["members"]
    ]
    rows += [
        ("platform", known["platform"], ""),
        ("staff console", known["staff"]["url"], known["staff"]["email"]),
        ("mailbox", known["mailbox"], ""),
    ]
    if known["stripe's stand-in"]:
        rows.append(("stripe's stand-in", known["stripe's stand-in"], ""))
    wide = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"  {what:<{wide[0]}}  {where:<{wide[1]}}  {who}".rstrip() for what, where, who in rows]
    return "\n".join(
        ["", "Porchlight is on. Open the customer's page, click the lantern, and write.", "", *lines, "", _foot(options)]
    )


def _foot(options: Options) -> str:
    folder = os.path.relpath(options.data_dir)
    where = folder if not folder.startswith("..") else str(options.data_dir)
    return f"Everybody's password is {PASSWORD}. Data and server.log are in {where}. Ctrl-C stops it all.\n"
