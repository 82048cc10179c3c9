-- The messages of the hours that lie in the days [since, until) of the zone tz, counted and added up, of the accounts in account_ids, null for all; the hours are that zone's.
-- Example: SELECT hour, sum(messages) FROM hours_of(until := '2026-01-02', tz := 'Europe/Berlin') GROUP BY ALL ORDER BY ALL
-- Answer: 2026-01-01 13:00:00 | 4
-- Answer: 2026-01-01 14:00:00 | 1
CREATE MACRO hours_of(since := NULL, until := NULL, account_ids := NULL, tz := 'UTC') AS TABLE
WITH chosen AS (
    SELECT account_id, coalesce(name, account_id::VARCHAR) AS account, currency, zone_of(tz, time_zone) AS zone
    FROM accounts
    WHERE account_ids::BIGINT[] IS NULL OR list_contains(account_ids::BIGINT[], account_id)
),

-- The UTC days with an hour that is not an hour of the zone: clocks differ by half an hour, or change within one.
uneven AS (
    SELECT zone, date
    FROM (SELECT DISTINCT zone FROM chosen WHERE zone <> 'UTC'),
        (
            SELECT DISTINCT date
            FROM meta.hourly_totals
            WHERE (since::DATE IS NULL OR date >= since::DATE - 1) AND (until::DATE IS NULL OR date < until::DATE + 1)
        ),
        range(24) AS hours (hour)
    WHERE NOT same_hour(date + to_hours(hour), zone)
    GROUP BY zone, date
)

-- The former names, gone in 0.4, are at the end.
SELECT *, stream AS channel, segments AS parts
FROM (
    SELECT
        t.account_id, c.account, c.currency, local_time(t.hour, c.zone) AS hour, t.stream, t.direction,
        t.status_id, t.status, t.delivery_status, t.messages, t.segments, t.cost
    FROM meta.hourly_totals AS t
    INNER JOIN chosen AS c ON c.account_id = t.account_id
    ANTI JOIN uneven AS u ON u.zone = c.zone AND u.date = t.date
    WHERE (since::DATE IS NULL OR t.date >= since::DATE - 1) AND (until::DATE IS NULL OR t.date < until::DATE + 1)
    UNION ALL
    -- DuckDB reads no row where no day is uneven.
    SELECT
        m.account_id, c.account, c.currency, date_trunc('hour', local_time(m.processed_at, c.zone)) AS hour, m.stream, m.direction,
        m.status_id, m.status, m.delivery_status, count(*) AS messages, sum(m.segments)::BIGINT AS segments, sum(m.cost) AS cost
    FROM messages AS m
    INNER JOIN chosen AS c ON c.account_id = m.account_id
    INNER JOIN uneven AS u ON u.zone = c.zone AND u.date = m.date
    GROUP BY ALL
)
WHERE (since::DATE IS NULL OR hour::DATE >= since::DATE) AND (until::DATE IS NULL OR hour::DATE < until::DATE);
