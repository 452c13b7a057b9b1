"""Where the console's pages about money and people stand."""

from billing.staff import lists, metering, people, tenant
from saas.core.staff import staff


def add_pages() -> None:
    """Put them on the staff's site. Called once, while apps start."""
    staff.add_page("money/tenants/", lists.tenants, "money_tenants")
    staff.add_page("money/tenants/<uuid:tenant_id>/", tenant.tenant, "money_tenant")
    staff.add_page("money/tenants/<uuid:tenant_id>/end-visit/", tenant.end_visit, "money_end_visit")
    staff.add_page("money/tenants/<uuid:tenant_id>/<slug:deed>/", tenant.act, "money_act")
    staff.add_page("money/payments/", lists.payments, "money_payments")
    staff.add_page("money/payments/<str:stripe_id>/retry/", lists.retry, "money_retry")
    staff.add_page("money/adjustments/", lists.asked, "money_adjustments")
    staff.add_page("money/adjustments/<uuid:adjustment_id>/<slug:verdict>/", lists.settle, "money_settle")
    staff.add_page("money/metering/", metering.metering, "money_metering")
    staff.add_page("money/metering/batches/<slug:verdict>/", metering.batch, "money_batch")
    staff.add_page("money/metering/differences/<uuid:difference_id>/", metering.accept, "money_accept")
    staff.add_page("money/metering/events/<str:event_id>/", metering.again, "money_again")
    staff.add_page("money/audit/", lists.audit, "money_audit")
    staff.add_page("people/", people.people, "people")
    staff.add_page("people/<uuid:user_id>/", people.one, "person")
    staff.add_page("people/<uuid:user_id>/second-factors/", people.ask, "person_second_factors")
    staff.add_page("people/removals/<uuid:removal_id>/approve/", people.approve, "removal_approve")
    staff.add_page("people/removals/<uuid:removal_id>/decline/", people.decline, "removal_decline")
