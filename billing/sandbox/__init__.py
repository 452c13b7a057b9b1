"""A stand-in for Stripe: a server that speaks Stripe's HTTP to the real SDK, for the tests and for `make up` without a key.

What Stripe does with money and this does not: updates that wait for their payment (`pending_if_incomplete` is refused), charges
below the least amount carried to the next invoice, credit when a date of cancellation cuts a period short, `invoice.upcoming`,
invoices that become overdue, and one-off payments at checkout. One thing it does and Stripe does not: the card that ends in 0341
pays its first invoice at checkout, so that a renewal can be seen to fail.
"""
