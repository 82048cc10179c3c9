-- The messages of messages_of, counted and added up as in the view totals, which answers unless a number or another zone than UTC asks for rows.
-- Example: SELECT destination_country, sum(messages) FROM totals_of(until := '2026-01-02') GROUP BY ALL ORDER BY ALL
-- Answer: DE | 2
-- Answer: GB | 1
-- Answer: NULL | 2
CREATE MACRO totals_of(since := NULL, until := NULL, number := NULL, account_ids := NULL, tz := 'UTC') AS TABLE
-- The former names, gone in 0.4, are at the end.
SELECT *, stream AS channel, segments AS parts
FROM (
    SELECT
        account_id, account, currency, date, stream, direction, destination_country, status_id, status, delivery_status,
        messages, segments, cost
    FROM totals
    WHERE
        number::VARCHAR IS NULL AND coalesce(tz, 'UTC') = 'UTC'
        AND (since::DATE IS NULL OR date >= since::DATE) AND (until::DATE IS NULL OR date < until::DATE)
        AND (account_ids::BIGINT[] IS NULL OR list_contains(account_ids::BIGINT[], account_id))
    UNION ALL
    SELECT
        account_id, account, currency, date, stream, direction, destination_country, status_id, status, delivery_status,
        count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
    FROM messages_of(since, until, number, account_ids, tz)
    -- Decided before any row is read.
    WHERE NOT (number::VARCHAR IS NULL AND coalesce(tz, 'UTC') = 'UTC')
    GROUP BY ALL
);
