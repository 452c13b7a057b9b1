"""What every page of people and settings begins and ends with."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import reduce, wraps
from operator import or_
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from saas.core.errors import AppError, NotFound
from saas.core.forms import UNPROCESSABLE, SeenForm
from tenants import people
from tenants.access import Do
from tenants.authentication import member_of, tenant_of
from tenants.models import AuditEntry, Membership, Role
from tenants.permissions import needs

Page = Callable[..., HttpResponse]


def page(*methods: str, do: Do, to_change: Do | None = None, back: str = "") -> Callable[[Page], Page]:
    """A page for members who may do this, which no cache keeps. What is not the tenant's is a 404.

    `back` is the page of the list on which a form's button stood: who sends one about something that is gone by now lands there,
    and reads so above the list. A NotFound with a field is about less, such as a choice of the form: `refuse` and `say` tell it
    on the page itself.
    """

    def wrap(view: Page) -> Page:
        @wraps(view)
        def gate(request: HttpRequest, /, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, **kwargs)
            except NotFound as nowhere:
                if back and request.method == "POST":
                    messages.error(request, nowhere.message)
                    return redirect(back)
                raise Http404(nowhere.message) from nowhere

        return never_cache(needs(do, to_change=to_change)(require_http_methods(list(methods))(gate)))

    return wrap


def show(request: HttpRequest, template: str, *, section: str = "people", status: int = 200, **context: Any) -> HttpResponse:
    """A page of ours, in the console's frame."""
    return render(request, f"people/{template}.html", {"section": section, **context}, status=status)


def member_on(request: HttpRequest, member_id: UUID) -> Membership:
    """The member whose page this is. Raises NotFound for one of another tenant."""
    found = people.member(tenant_of(request).id, member_id)
    if found is None:
        raise NotFound("Whoever that was is no longer among the members.")
    return found


def is_owner(request: HttpRequest) -> bool:
    """Whether whoever asks is an owner."""
    return member_of(request).role == Role.OWNER


def who_changed(request: HttpRequest, kind: str, thing_id: UUID, *acts: str, fields: Iterable[str] = ()) -> str:
    """Who did one of these acts to this thing last, by the audit log; empty if nobody is known. Name the acts that change what
    the form shows: others are done to the same thing, and by others. Where one act changes more than the form shows, name the
    `fields` that it shows, as the log calls them: then only who changed one of these counts.
    """
    done, names = _done(request, kind, thing_id).filter(act__in=acts), list(fields)
    if names:
        done = done.filter(Q(after__has_any_keys=names) | Q(before__has_any_keys=names))  # what was set, or taken away
    return _last(done)


def who_set(request: HttpRequest, kind: str, thing_id: UUID, values: Mapping[str, object], *, within: Mapping[str, str]) -> str:
    """Who gave this thing one of the values that it has now, by name, and did it last; empty if nobody is known. `within` is what
    else the log says of such an act, such as the room: what was done to the same thing elsewhere does not count.
    """
    now = json.loads(json.dumps(dict(values), cls=DjangoJSONEncoder))  # as the log writes them
    made = [Q(after__contains={**within, name: value}) for name, value in now.items()]
    return _last(_done(request, kind, thing_id).filter(reduce(or_, made)))


def _done(request: HttpRequest, kind: str, thing_id: UUID) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(tenant_id=tenant_of(request).id, thing_kind=kind, thing_id=str(thing_id))


def _last(done: QuerySet[AuditEntry]) -> str:
    return done.order_by("-id").values_list("by_name", flat=True).first() or ""


def refuse(form: forms.Form, error: AppError, *, by: str = "") -> int:
    """Show a refusal beside the field that it is about, or above the form; the status of the page. Raises it again if the thing
    itself is gone (`page`).

    `by` is who was faster, if that is what it is about.
    """
    _raise_if_gone(error)
    if isinstance(form, SeenForm):
        form.refuse(error, by=by)
        return form.status
    form.add_error(error.field if error.field in form.fields else None, error.message)
    return UNPROCESSABLE


def say(request: HttpRequest, error: AppError) -> None:
    """Tell a button's refusal above the page that comes next. Raises it again if the thing itself is gone (`page`)."""
    _raise_if_gone(error)
    messages.error(request, error.message)


def _raise_if_gone(error: AppError) -> None:
    if isinstance(error, NotFound) and not error.field:
        raise error
