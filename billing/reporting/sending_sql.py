"""The statements of the sender: many batches in one round trip.

A lease is on a meter of a tenant, by the database's clock: whoever holds it alone sends its batches. A batch is `sending` before
its call goes out, so that one whose sender died is sent again under the same key.
"""

from typing import Final

# Whether a batch may go out now: not one that was tried so long ago that Stripe may have forgotten its key.
IS_DUE: Final = """
r.account_id = p.account_id AND r.meter = p.meter AND r.status IN ('pending', 'sending') AND r.next_attempt_at <= %(now)s
AND (r.first_sent_at IS NULL OR r.first_sent_at > %(blind)s)
"""

CLAIM: Final = f"""
WITH free AS MATERIALIZED (
    SELECT p.id, p.account_id, p.meter, a.stripe_customer_id, m.event_name
    FROM public.billing_meterposition p
    JOIN public.billing_billingaccount a ON a.tenant_id = p.account_id AND a.stripe_customer_id IS NOT NULL
    JOIN public.billing_stripemeter m ON m.meter = p.meter
    WHERE p.id > %(after)s AND (p.leased_until IS NULL OR p.leased_until < clock_timestamp())
        AND (%(account)s::uuid IS NULL OR p.account_id = %(account)s)
        AND EXISTS (SELECT FROM public.billing_meterreport r WHERE {IS_DUE})
    ORDER BY p.id LIMIT %(chains)s FOR UPDATE OF p SKIP LOCKED
),
due AS MATERIALIZED (
    SELECT p.id AS position, p.stripe_customer_id, p.event_name, report.id FROM free p
    CROSS JOIN LATERAL (
        SELECT r.id FROM public.billing_meterreport r WHERE {IS_DUE} ORDER BY r.window_start, r.seq LIMIT %(each)s
    ) AS report
),
leased AS (
    UPDATE public.billing_meterposition p SET lease = %(lease)s, leased_until = clock_timestamp() + %(length)s
    FROM free WHERE p.id = free.id
)
UPDATE public.billing_meterreport r
SET status = 'sending', attempts = r.attempts + 1, first_sent_at = coalesce(r.first_sent_at, %(now)s)
FROM due WHERE r.id = due.id AND r.status IN ('pending', 'sending')
RETURNING due.position, due.stripe_customer_id, due.event_name, r.id, r.identifier, r.quantity, r.event_time, r.attempts,
    old.first_sent_at IS NULL, r.window_start, r.seq
"""  # noqa: S608  all of it stands here

# `is_untouched`: the call certainly did nothing at Stripe, and was the first.
SETTLE: Final = """
WITH answers AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(statuses)s::text[], %(errors)s::text[], %(next)s::timestamptz[], %(sent)s::timestamptz[],
        %(untouched)s::bool[], %(untried)s::int[]
    ) AS a (id, status, error, next_attempt_at, sent_at, is_untouched, untried)
),
written AS (
    UPDATE public.billing_meterreport r
    SET status = a.status, error = a.error, next_attempt_at = a.next_attempt_at, sent_at = a.sent_at,
        first_sent_at = CASE WHEN a.is_untouched THEN NULL ELSE r.first_sent_at END, attempts = r.attempts - a.untried
    FROM answers a WHERE r.id = a.id AND r.status = 'sending'
),
mine AS (
    SELECT p.id FROM public.billing_meterposition p WHERE p.id = ANY(%(done)s::uuid[]) AND p.lease = %(lease)s
    ORDER BY p.id FOR UPDATE
)
UPDATE public.billing_meterposition p SET lease = NULL, leased_until = NULL FROM mine WHERE p.id = mine.id
"""
