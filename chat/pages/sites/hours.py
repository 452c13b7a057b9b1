"""When a site is open."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat.hours import hours_of, outlook
from chat.models import Site
from chat.pages.sites.desk import done, keep, show, site_on
from chat.pages.sites.forms import HoursForm
from chat.pages.sites.look import stored_preview
from chat.selectors.sites import hours_shown
from tenants.access import Do
from tenants.pages.desk import page

ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/")))


@page("GET", "HEAD", "POST", do=Do.MANAGE_SITES)
def hours(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """A week, and the days on which it does not hold."""
    site = site_on(request, site_id)
    form = HoursForm(request.POST or None, site=site)
    if request.method == "POST" and keep(request, site, form, hours_shown, HoursForm.read):
        return done(request, site, "site_hours")
    context: dict[str, Any] = {"form": form, "zones": ZONES, "preview": stored_preview(request, site), **_now(site)}
    return show(request, site, "site_hours", status=form.status, **context)


def _now(site: Site) -> dict[str, Any]:
    """How it stands at this moment, by the clock of its own zone."""
    if not site.time_zone:
        return {}
    zone, now = ZoneInfo(site.time_zone), timezone.now()
    found = outlook(hours_of(site.time_zone, site.hours, site.holidays), now)
    change: datetime | None = found.next_change
    return {"there": now.astimezone(zone), "is_open": found.is_open, "change": change and change.astimezone(zone)}
