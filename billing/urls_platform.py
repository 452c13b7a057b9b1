"""The doors for Stripe, on the platform's host."""

from django.urls import path

from billing.views import webhooks

urlpatterns = [
    path("stripe/webhook/", webhooks.snapshot, name="stripe_webhook"),
    path("stripe/webhook/thin/", webhooks.thin, name="stripe_thin_webhook"),
]
