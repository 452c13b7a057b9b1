"""How usage reaches Stripe: frozen into batches, sent, verified where nobody knows, compared at night. See docs/billing.md."""
