"""The statements that make batches. Each is one round trip, however many tenants there are.

What is compared is what was used in an hour with what its batches hold. Where that differs, the hour is cut into pieces: its
batches' windows as they are, and what lies between them, cut where a period or a subscription begins or ends, and up to where it
was frozen. Each piece that holds more than its batches gets another batch with the difference. So an hour that was never looked
at, a row that came late and a run that was cut off are the same case.
"""

from typing import Final

# A meter of a tenant that is new here begins at the hour of its first event.
POSITIONS: Final = """
INSERT INTO public.billing_meterposition (id, account_id, meter, frozen_until)
SELECT uuidv7(), a.tenant_id, m.meter,
    date_trunc('hour', least(a.created_at, uuid_extract_timestamp(first.source_id)), 'UTC')
FROM public.billing_billingaccount a
CROSS JOIN unnest(%(meters)s::text[]) AS m (meter)
LEFT JOIN LATERAL (
    SELECT e.source_id FROM public.billing_usageevent e WHERE e.tenant_id = a.tenant_id AND e.meter = m.meter
    ORDER BY e.source_id LIMIT 1
) AS first ON true
WHERE NOT EXISTS (SELECT FROM public.billing_meterposition p WHERE p.account_id = a.tenant_id AND p.meter = m.meter)
    AND (%(account)s::uuid IS NULL OR a.tenant_id = %(account)s)
ON CONFLICT DO NOTHING
"""

# From where to where a meter is looked at: as far as it is frozen, or back to `since`; up to `until`, or to the last hour or
# period that was over by then.
SPANS: Final = """
accounts AS MATERIALIZED (
    SELECT a.tenant_id AS id, a.stripe_customer_id IS NOT NULL AS is_customer, current.period_start,
        CASE WHEN %(running)s THEN %(until)s ELSE greatest(date_trunc('hour', %(until)s, 'UTC'), closed.period_start) END AS until
    FROM public.billing_billingaccount a
    CROSS JOIN LATERAL public.usage_period(a.tenant_id, %(until)s) AS closed
    CROSS JOIN LATERAL public.usage_period(a.tenant_id, %(now)s) AS current
    WHERE %(account)s::uuid IS NULL OR a.tenant_id = %(account)s
),
spans AS MATERIALIZED (
    SELECT p.id, p.account_id, p.meter, p.frozen_until, a.is_customer, a.period_start,
        date_trunc('hour', least(p.frozen_until, %(since)s), 'UTC') AS low, greatest(p.frozen_until, a.until) AS high
    FROM public.billing_meterposition p JOIN accounts a ON a.id = p.account_id
    WHERE p.frozen_until < a.until OR %(since)s < p.frozen_until
)
"""

# The hours of which the batches do not hold all.
HOURS: Final = """
hours AS MATERIALIZED (
    SELECT s.account_id, s.meter, s.frozen_until, s.is_customer, s.period_start, used.hour,
        least(used.hour + interval '1 hour', s.high) AS hour_end
    FROM spans s
    CROSS JOIN LATERAL (
        SELECT date_trunc('hour', uuid_extract_timestamp(e.source_id), 'UTC') AS hour, sum(e.quantity) AS quantity
        FROM public.billing_usageevent e
        WHERE e.tenant_id = s.account_id AND e.meter = s.meter
            AND e.source_id >= public.uuid7_floor(s.low) AND e.source_id < public.uuid7_floor(s.high)
        GROUP BY 1
    ) AS used
    LEFT JOIN LATERAL (
        SELECT sum(r.quantity) AS quantity FROM public.billing_meterreport r
        WHERE r.account_id = s.account_id AND r.meter = s.meter AND NOT r.is_correction
            AND r.window_start >= used.hour AND r.window_start < used.hour + interval '1 hour'
    ) AS held ON true
    WHERE used.quantity <> coalesce(held.quantity, 0)
)
"""

PIECES: Final = """
windows AS MATERIALIZED (
    SELECT h.account_id, h.meter, h.hour, r.window_start, r.window_end FROM hours h
    JOIN public.billing_meterreport r ON r.account_id = h.account_id AND r.meter = h.meter AND NOT r.is_correction
        AND r.window_start >= h.hour AND r.window_start < h.hour_end
),
cuts AS (
    SELECT h.account_id, h.meter, h.hour, cut.at FROM hours h
    CROSS JOIN LATERAL (
        SELECT h.frozen_until AS at
        UNION ALL
        SELECT p.period_start FROM public.usage_period(h.account_id, h.hour_end - interval '1 millisecond') p
        UNION ALL
        SELECT unnest(ARRAY[s.created_at, s.ended_at]) FROM public.billing_subscription s WHERE s.account_id = h.account_id
    ) AS cut
    WHERE h.hour < cut.at AND cut.at < h.hour_end AND NOT EXISTS (
        SELECT FROM windows w WHERE w.account_id = h.account_id AND w.meter = h.meter AND w.hour = h.hour
            AND w.window_start < cut.at AND cut.at < w.window_end
    )
),
borders AS (
    SELECT account_id, meter, hour, hour AS at FROM hours UNION SELECT account_id, meter, hour, hour_end FROM hours
    UNION SELECT account_id, meter, hour, window_start FROM windows UNION SELECT account_id, meter, hour, window_end FROM windows
    UNION SELECT account_id, meter, hour, at FROM cuts
),
pieces AS (
    SELECT account_id, meter, hour, at AS low, lead(at) OVER (PARTITION BY account_id, meter, hour ORDER BY at) AS high
    FROM borders
),
missing AS MATERIALIZED (
    SELECT p.account_id, p.meter, h.is_customer, h.period_start, p.low, p.high,
        coalesce(used.quantity, 0) - coalesce(held.quantity, 0) AS quantity, coalesce(held.last + 1, 0) AS seq
    FROM pieces p JOIN hours h USING (account_id, meter, hour)
    CROSS JOIN LATERAL (
        SELECT sum(e.quantity) AS quantity FROM public.billing_usageevent e
        WHERE e.tenant_id = p.account_id AND e.meter = p.meter
            AND e.source_id >= public.uuid7_floor(p.low) AND e.source_id < public.uuid7_floor(p.high)
    ) AS used
    CROSS JOIN LATERAL (
        SELECT sum(r.quantity) FILTER (WHERE NOT r.is_correction) AS quantity, max(r.seq) AS last
        FROM public.billing_meterreport r WHERE r.account_id = p.account_id AND r.meter = p.meter AND r.window_start = p.low
    ) AS held
    WHERE p.high IS NOT NULL
)
"""

# Whether a window's time belongs to a subscription at Stripe. `{at}` is the window's beginning.
COVERED: Final = """
EXISTS (
    SELECT FROM public.billing_subscription s
    WHERE s.account_id = {account} AND s.source = 'stripe' AND s.status NOT IN ('incomplete', 'incomplete_expired')
        AND s.created_at <= {at} AND (s.ended_at IS NULL OR {at} < s.ended_at)
)
"""

# Whether what lies before `{start}`, where the current period begins, was invoiced for good.
FINALISED: Final = """
(
    {start} + %(grace)s <= %(now)s
    OR EXISTS (
        SELECT FROM public.billing_invoice i
        WHERE i.account_id = {account} AND i.period_end = {start} AND i.finalized_at IS NOT NULL
    )
)
"""
LATE_TIME: Final = "greatest({start}, date_trunc('hour', %(now)s, 'UTC'))"

FREEZE: Final = f"""
WITH {SPANS}, {HOURS}, {PIECES},
judged AS (
    SELECT m.*, {COVERED.format(account="m.account_id", at="m.low")} AND m.is_customer AS is_covered,
        m.low < m.period_start AND {FINALISED.format(account="m.account_id", start="m.period_start")} AS is_over
    FROM missing m WHERE m.quantity <> 0
),
made AS (
    INSERT INTO public.billing_meterreport (id, account_id, meter, window_start, window_end, seq, quantity, event_time,
        identifier, is_correction, is_late, status, attempts, next_attempt_at, error, created_at)
    SELECT uuidv7(), account_id, meter, low, high, seq, quantity,
        CASE WHEN is_covered AND is_over THEN {LATE_TIME.format(start="period_start")} ELSE date_trunc('second', low) END,
        account_id || ':' || meter || ':' || to_char(low AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISSMS') || ':' || seq,
        false, is_covered AND is_over, CASE WHEN is_covered THEN 'pending' ELSE 'held' END, 0, %(now)s, '', %(now)s
    FROM judged
    RETURNING account_id, meter, window_start, quantity
),
days AS (
    INSERT INTO public.billing_usageday AS day (account_id, meter, day, quantity)
    SELECT account_id, meter, (window_start AT TIME ZONE 'UTC')::date, sum(quantity) FROM made GROUP BY 1, 2, 3
    ON CONFLICT (account_id, meter, day) DO UPDATE SET quantity = day.quantity + excluded.quantity
),
locked AS (
    SELECT p.id, s.high FROM public.billing_meterposition p JOIN spans s ON s.id = p.id
    WHERE p.frozen_until < s.high ORDER BY p.id FOR UPDATE OF p
),
moved AS (UPDATE public.billing_meterposition p SET frozen_until = locked.high FROM locked WHERE p.id = locked.id)
SELECT count(*) FROM made
"""  # noqa: S608  all of it stands here

RELEASE: Final = f"""
UPDATE public.billing_meterreport r SET status = 'pending', next_attempt_at = %(now)s
FROM public.billing_billingaccount a
WHERE r.status = 'held' AND a.tenant_id = r.account_id AND a.stripe_customer_id IS NOT NULL
    AND r.window_start > %(oldest)s AND (%(account)s::uuid IS NULL OR r.account_id = %(account)s)
    AND {COVERED.format(account="r.account_id", at="r.window_start")}
"""  # noqa: S608  all of it stands here

# Batches that nobody has tried to send, and whose period is invoiced: they count in the current one.
MOVE: Final = f"""
WITH waiting AS (
    SELECT DISTINCT account_id FROM public.billing_meterreport WHERE status = 'pending' AND first_sent_at IS NULL
),
over AS (
    SELECT w.account_id, current.period_start FROM waiting w
    CROSS JOIN LATERAL public.usage_period(w.account_id, %(now)s) AS current
    WHERE {FINALISED.format(account="w.account_id", start="current.period_start")}
)
UPDATE public.billing_meterreport r SET is_late = true, event_time = {LATE_TIME.format(start="over.period_start")}
FROM over
WHERE r.account_id = over.account_id AND r.status = 'pending' AND r.first_sent_at IS NULL AND r.event_time < over.period_start
"""  # noqa: S608  all of it stands here
