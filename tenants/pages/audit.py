"""Who did what, when and from where: filtered, and as a sheet. On a tenant's host."""

from datetime import date
from itertools import groupby
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.timezone import localdate
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from saas.core.forms import LongSelect
from saas.core.paging import keyed, with_query
from saas.core.sheets import streamed
from tenants.access import Do
from tenants.audit.reading import PORCHLIGHT, AuditQuery, Entry, acts_of, all_acts, every_act
from tenants.authentication import tenant_of
from tenants.models import Membership
from tenants.permissions import needs

KINDS: Final = {
    "room": "Rooms",
    "participant": "People in rooms",
    "room_invitation": "Invitations to rooms",
    "report": "Reports",
    "message": "Messages",
    "words": "Word lists",
    "member": "Members",
    "invitation": "Invitations",
    "session": "Sign-ins",
    "tenant": "Settings",
    "site": "Sites",
    "key": "Embed keys",
    "identity_key": "Identity keys",
    "sample": "Sample data",
    "billing": "Billing",
}
FIRST, LAST = date(2020, 1, 1), date(2099, 12, 31)  # days that may be asked for
HEAD: Final = ("When (UTC)", "Who", "What", "Act", "Kind", "Thing", "ID", "Before", "After", "Address", "Browser", "Way")


class FilterForm(forms.Form):
    """What is asked of the log. Everything may be left out."""

    by = forms.ChoiceField(label="Who", required=False, widget=LongSelect)
    act = forms.ChoiceField(label="What", required=False, widget=LongSelect)
    thing = forms.CharField(label="Named", required=False, max_length=200)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, query: QueryDict, *, people: dict[str, str]) -> None:
        super().__init__(query)
        self.fields["by"].choices = _people(people, query.get("by", ""))  # type: ignore[attr-defined]
        self.fields["act"].choices = _acts()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The days are some that a log can have, and the first is not after the last."""
        said: dict[str, Any] = super().clean() or {}
        for name in ("since", "until"):
            if said.get(name) and not FIRST <= said[name] <= LAST:
                self.add_error(name, f"{said[name]} is not a day from {FIRST} to {LAST}.")
        since, until = said.get("since"), said.get("until")
        if since and until and since > until:
            self.add_error("until", f"{until} is before {since}.")
        return said


@never_cache
@needs(Do.SEE_AUDIT)
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The log, newest first."""
    form, asked = _asked(request)
    if asked is None:
        return _show(request, form, [], status=422)
    page = keyed(acts_of(tenant_of(request).id, asked), request.GET, key=lambda entry: str(entry.id))
    return _show(request, form, page.rows, page=page)


@never_cache
@needs(Do.SEE_AUDIT)
@require_safe
def audit_csv(request: HttpRequest) -> HttpResponse:
    """What is asked for, all of it, as a sheet."""
    form, asked = _asked(request)
    if asked is None:
        return _show(request, form, [], status=422)
    tenant = tenant_of(request)
    sheet = streamed(f"{tenant.slug}-audit", HEAD, (_cells(entry) for entry in every_act(tenant.id, asked)))
    return cast(HttpResponse, sheet)  # which `needs` hands on as it is


def _show(request: HttpRequest, form: FilterForm, rows: list[Entry], *, status: int = 200, **context: Any) -> HttpResponse:
    around = {
        "form": form,
        "days": [(day, list(entries)) for day, entries in groupby(rows, key=lambda entry: localdate(entry.at))],
        "csv": with_query(request.GET, after=None),
        "is_filtered": any(request.GET.get(name) for name in (*form.fields, "on")),
        "on": request.GET.get("on", ""),
        "section": "audit",
    }
    return render(request, "audit/audit.html", around | context, status=status)


def _asked(request: HttpRequest) -> tuple[FilterForm, AuditQuery | None]:
    """The form as it was filled in, and what it asks for; None where a field is wrong."""
    members = Membership.objects.filter(tenant_id=tenant_of(request).id).select_related("user").order_by("user__name", "id")
    people = {str(member.user_id): member.user for member in members}
    form = FilterForm(request.GET, people={id: str(user) for id, user in people.items()})
    if not form.is_valid():
        return form, None
    said, by = form.cleaned_data, form.cleaned_data["by"]
    return form, AuditQuery(
        by=_id(by) or by,
        email=people[by].email if by in people else "",
        act=said["act"],
        thing=said["thing"].strip(),
        on=request.GET.get("on", ""),
        since=said["since"],
        until=said["until"],
        after=_id(request.GET.get("after", "")),
    )


def _people(people: dict[str, str], by: str) -> list[tuple[str, str]]:
    """Members; and who is asked for by a link, such as a visitor who moderates."""
    others = [(by, "One who is no member")] if _id(by) and by not in people else []
    return [("", "Everybody"), (PORCHLIGHT, "Porchlight itself"), *people.items(), *others]


def _acts() -> list[tuple[str, Any]]:
    """Acts by their kind; a kind as a whole comes first."""
    known = all_acts()
    by_kind = {kind: [act for act in known if act.partition(".")[0] == kind] for kind in KINDS}
    groups = [
        (words, [(kind, f"{words}: all"), *((act, _plain(known[act])) for act in by_kind[kind])]) for kind, words in KINDS.items()
    ]
    return [("", "Everything"), *groups]


def _plain(sentence: str) -> str:
    return sentence.format(thing="…")


def _cells(entry: Entry) -> list[object]:
    before = "; ".join(f"{name}: {value}" for name, value, _ in entry.changes if value)
    after = "; ".join(f"{name}: {value}" for name, _, value in entry.changes if value)
    when = entry.at.isoformat(timespec="seconds")
    who, thing = entry.by or "Porchlight", (entry.thing_kind, entry.thing_name, entry.thing_id)
    return [when, who, entry.sentence, entry.act, *thing, before, after, entry.address, entry.browser, entry.way]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
