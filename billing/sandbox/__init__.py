"""A stand-in for Stripe: a server that speaks Stripe's HTTP to the real SDK, for the tests and for `make up` without a key."""
