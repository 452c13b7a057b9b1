"""Settings that are taken over from another site, while somebody changes what would be replaced."""

from uuid import UUID

import pytest

from chat.services.sites import allow_origin, change_site, copy_settings, create_site, marks_of_parts
from chat.services.words import set_words
from saas.core.errors import ChangedSince
from tenants.context import TenantRef
from tenants.tokens import Principal
from tests.support.site_pages import SHOP, Owner, said

BLOG = "https://blog.example"


@pytest.fixture
def source(tenant: TenantRef) -> UUID:
    look, texts = {"color": "#112233"}, {"title": "Hi"}
    return create_site(tenant, name="Source", allowed_origins=[SHOP], look=look, texts=texts).site_id


def seen_by(owner: Owner) -> str:
    page = owner.get()
    mark = page.context["copying"]["seen"].value()
    assert f'name="seen" value="{mark}"' in page.content.decode()
    return str(mark)


def test_one_alone_is_asked_nothing(owner: Owner, source: UUID) -> None:
    assert owner.post("copy/", source=str(source), parts=["look", "texts"], seen=seen_by(owner)).status_code == 302
    assert owner.stored().texts == {"title": "Hi"}


def test_what_somebody_changed_meanwhile_is_named_and_stays(
    owner: Owner, tenant: TenantRef, admin: Principal, source: UUID
) -> None:
    seen = seen_by(owner)
    change_site(tenant, owner.site.id, texts={"title": "Theirs"}, by=admin)
    answer = owner.post("copy/", source=str(source), parts=["look", "texts"], seen=seen)
    assert answer.status_code == 409
    assert f"{admin.name} changed this meanwhile: texts." in said(answer)
    assert (owner.stored().texts, owner.stored().look) == ({"title": "Theirs"}, {})
    assert answer.context["copying"]["parts"].value() == ["look", "texts"], "what was chosen is kept"
    again = answer.context["copying"]["seen"].value()
    assert owner.post("copy/", source=str(source), parts=["look", "texts"], seen=again).status_code == 302
    assert owner.stored().texts == {"title": "Hi"}


def test_what_is_not_taken_over_is_no_matter(owner: Owner, tenant: TenantRef, source: UUID) -> None:
    seen = seen_by(owner)
    change_site(tenant, owner.site.id, texts={"title": "Theirs"})
    assert owner.post("copy/", source=str(source), parts=["look"], seen=seen).status_code == 302
    assert (owner.stored().texts, owner.stored().look) == ({"title": "Theirs"}, {"color": "#112233"})


def test_a_second_change_is_told_as_well(owner: Owner, tenant: TenantRef, source: UUID) -> None:
    seen = seen_by(owner)
    for title in ("Theirs", "Theirs again"):
        change_site(tenant, owner.site.id, texts={"title": title})
        answer = owner.post("copy/", source=str(source), parts=["texts"], seen=seen)
        assert answer.status_code == 409
        seen = answer.context["copying"]["seen"].value()
    assert owner.stored().texts == {"title": "Theirs again"}


def test_words_and_hours_and_addresses_too(owner: Owner, tenant: TenantRef, admin: Principal, source: UUID) -> None:
    seen, site_id = seen_by(owner), owner.site.id
    set_words(tenant, admin, site_id, ["spam"])
    change_site(tenant, site_id, time_zone="Europe/Warsaw", hours=[[]] * 7)
    allow_origin(tenant, site_id, BLOG)
    answer = owner.post("copy/", source=str(source), parts=["look", "hours", "origins", "words"], seen=seen)
    assert answer.status_code == 409
    assert "changed this meanwhile: hours, addresses of pages, refused words." in said(answer)
    stored = owner.stored()
    assert (stored.words, stored.time_zone, stored.allowed_origins) == (["spam"], "Europe/Warsaw", [BLOG])


def test_what_was_seen_is_compared_under_the_lock(owner: Owner, tenant: TenantRef, source: UUID) -> None:
    seen = marks_of_parts(owner.stored())
    change_site(tenant, owner.site.id, look={"color": "#445566"})
    with pytest.raises(ChangedSince) as refused:
        copy_settings(tenant, owner.site.id, source_id=source, parts=["look", "texts"], seen=seen)
    assert set(refused.value.stored) == {"look"}
    assert owner.stored().look == {"color": "#445566"}


@pytest.mark.parametrize("seen", ["", "nonsense", "look:", "everything:abc"])
def test_an_odd_mark_breaks_nothing(owner: Owner, source: UUID, seen: str) -> None:
    answer = owner.post("copy/", source=str(source), parts=["look"], seen=seen)
    assert answer.status_code == (409 if seen == "look:" else 302)
