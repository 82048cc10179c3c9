-- The messages of messages_of, counted and added up by day and all that a report asks for but the country, from totals unless a number asks for rows.
-- Example: SELECT date, sum(messages) FROM days_of(until := '2026-01-03', tz := 'Europe/Berlin') GROUP BY ALL ORDER BY ALL
-- Answer: 2026-01-01 | 5
-- Answer: 2026-01-02 | 3
CREATE MACRO days_of(since := NULL, until := NULL, number := NULL, account_ids := NULL, tz := 'UTC') AS TABLE
-- The former names, gone in 0.4, are at the end.
SELECT *, stream AS channel, segments AS parts
FROM (
    SELECT account_id, account, currency, date, stream, direction, status_id, status, delivery_status, messages, segments, cost
    FROM totals
    WHERE
        number::VARCHAR IS NULL AND coalesce(tz, 'UTC') = 'UTC'
        AND (since::DATE IS NULL OR date >= since::DATE) AND (until::DATE IS NULL OR date < until::DATE)
        AND (account_ids::BIGINT[] IS NULL OR list_contains(account_ids::BIGINT[], account_id))
    UNION ALL
    SELECT
        account_id, account, currency, hour::DATE AS date, stream, direction, status_id, status, delivery_status,
        messages, segments, cost
    FROM hours_of(since, until, account_ids, tz)
    WHERE number::VARCHAR IS NULL AND coalesce(tz, 'UTC') <> 'UTC'
    UNION ALL
    SELECT
        account_id, account, currency, date, stream, direction, status_id, status, delivery_status,
        count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
    FROM messages_of(since, until, number, account_ids, tz)
    -- Decided before any row is read.
    WHERE number::VARCHAR IS NOT NULL
    GROUP BY ALL
);
