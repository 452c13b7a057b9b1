"""What we ask of Stripe, and what we keep of it."""
