"""Pages about money on a tenant's host, below /billing/."""

from django.urls import path

from billing.views import acts, doors, invoices, overview, plans, seats, settings, usage

urlpatterns = [
    path("", overview.overview, name="billing"),
    path("plans/", plans.plans, name="billing_plans"),
    path("plans/<str:key>/", plans.plan, name="billing_plan"),
    path("plan/coupon/", plans.coupon, name="billing_coupon"),
    path("plan/<str:key>/", acts.act, name="billing_act"),
    path("confirming/", doors.confirming, name="billing_confirming"),
    path("confirming/state/", doors.is_confirmed, name="billing_confirmed"),
    path("portal/", doors.portal, name="billing_portal"),
    path("seats/", seats.seats, name="billing_seats"),
    path("seats/buy/", seats.buy, name="billing_buy_seats"),
    path("seats/lower/", seats.lower, name="billing_lower_seats"),
    path("usage/", usage.usage, name="billing_usage"),
    path("usage/days.csv", usage.days_csv, name="billing_days_csv"),
    path("usage/<str:meter>/", usage.meter, name="billing_meter"),
    path("usage/<str:meter>/rows.csv", usage.rows_csv, name="billing_rows_csv"),
    path("usage/<str:meter>/open/", usage.open_rows, name="billing_open_rows"),
    path("usage/<str:meter>/batches/<uuid:batch_id>/", usage.batch, name="billing_batch"),
    path("invoices/", invoices.invoices, name="billing_invoices"),
    path("invoices/<uuid:invoice_id>/", invoices.invoice, name="billing_invoice"),
    path("invoices/<uuid:invoice_id>/pdf/", invoices.pdf, name="billing_pdf"),
    path("invoices/<uuid:invoice_id>/pay/", invoices.pay, name="billing_pay"),
    path("settings/", settings.settings, name="billing_settings"),
    path("settings/contacts/<uuid:contact_id>/remove/", settings.remove_contact, name="billing_remove_contact"),
    path("settings/support/end/", settings.end_consent, name="billing_end_consent"),
    path("settings/<str:part>/", settings.keep, name="billing_keep"),
    path("export/", doors.export, name="billing_export"),
    path("close/", doors.close, name="billing_close"),
]
