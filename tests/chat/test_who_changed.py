"""Who is told that somebody was faster is told who: not whoever did something else to the same thing since."""

from chat.models import Site
from chat.services.identity import make_identity_key
from chat.services.sites import change_site
from chat.services.words import set_words
from tenants.context import TenantRef
from tenants.models import Role
from tests.support.community import team_member
from tests.support.site_pages import Owner, fields, said


def test_the_settings_of_a_site(tenant: TenantRef, site: Site, owner: Owner) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    shown = fields(owner.get())
    change_site(tenant, site.id, by=first, name="Ada's shop")
    make_identity_key(tenant, last, site.id)
    page = owner.post("", **{**shown, "name": "Our shop"})
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)


def test_the_words_of_a_site(tenant: TenantRef, site: Site, owner: Owner) -> None:
    first, last = team_member(tenant, Role.ADMIN), team_member(tenant, Role.OWNER)
    url = f"{owner.host}/moderation/words/{site.id}/"
    shown = fields(owner.browser.get(url))
    set_words(tenant, first, site.id, ["snail"])
    change_site(tenant, site.id, by=last, name="Ada's shop")
    page = owner.browser.post(url, {**shown, "words": "slug"})
    assert page.status_code == 409
    assert f"{first.name} changed this meanwhile." in said(page)
