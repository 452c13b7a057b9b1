"""How the staff console looks: the brand's colours, and where its pages stand in the menu."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

# Eleven steps each, from lightest to darkest, through the brand's paper, line and ink, and through its lamp.
BASE = ["#f8f6f2", "#f1ede6", "#e7e2d9", "#cfcac2", "#a9afbd", "#5b6070", "#4a4f5e", "#3a3f4c", "#2c303b", "#1b1e27", "#14161c"]
LAMP = ["#fff9ec", "#fff3d6", "#ffe4a8", "#ffd070", "#ffb020", "#d97706", "#b45309", "#93430a", "#77360c", "#5f2c0d", "#3a2f16"]
STEPS = ["50", *(str(step) for step in range(100, 1000, 100)), "950"]


def _page(title: str, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Porchlight staff",
    "SITE_HEADER": "Porchlight staff",
    "SITE_ICON": lambda _request: static("porchlight.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("porchlight.svg")}],
    "COLORS": {"base": dict(zip(STEPS, BASE, strict=True)), "primary": dict(zip(STEPS, LAMP, strict=True))},
    "DASHBOARD_CALLBACK": "billing.staff.overview.dashboard",
    "STYLES": [lambda _request: static("console/staff.css")],
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {"items": [_page("Today", "dashboard", "index")]},
            {
                "title": "Customers",
                "items": [
                    _page("Tenants", "apartment", "tenants_tenant_changelist"),
                    _page("Users", "person", "tenants_user_changelist"),
                    _page("Memberships", "badge", "tenants_membership_changelist"),
                    _page("Help with signing in", "lock_reset", "people"),
                ],
            },
            {
                "title": "Money",
                "items": [
                    _page("Tenants and money", "payments", "money_tenants"),
                    _page("Failed payments", "credit_card_off", "money_payments"),
                    _page("Credits and corrections", "redeem", "money_adjustments"),
                    _page("Metering", "speed", "money_metering"),
                    _page("What was done", "history", "money_audit"),
                ],
            },
            {
                "title": "Machine",
                "items": [
                    _page("Live", "monitor_heart", "live"),
                    _page("Jobs", "work_history", "procrastinate_procrastinatejob_changelist"),
                ],
            },
        ],
    },
}
