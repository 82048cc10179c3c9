-- The messages of the days [since, until) in the zone tz, of a number however written, of the accounts in account_ids, null for all; date and processed_at are that zone's.
-- Example: SELECT stream, count(*) FROM messages_of(number := '+44 7400 123456') GROUP BY ALL ORDER BY ALL
-- Answer: a2p | 2
-- Answer: sms | 3
CREATE MACRO messages_of(since := NULL, until := NULL, number := NULL, account_ids := NULL, tz := 'UTC') AS TABLE
SELECT * EXCLUDE (zone)
FROM (
    SELECT
        m.* REPLACE (
            -- UTC is decided once for all rows, and costs nothing.
            CASE WHEN coalesce(tz, 'UTC') = 'UTC' THEN m.date ELSE local_date(m.processed_at, chosen.zone) END AS date,
            CASE WHEN coalesce(tz, 'UTC') = 'UTC' THEN m.processed_at ELSE local_time(m.processed_at, chosen.zone) END AS processed_at
        ),
        chosen.zone
    FROM messages AS m
    INNER JOIN (
        SELECT account_id, zone_of(tz, time_zone) AS zone
        FROM accounts
        WHERE account_ids::BIGINT[] IS NULL OR list_contains(account_ids::BIGINT[], account_id)
    ) AS chosen ON chosen.account_id = m.account_id
    -- No zone is a day or more from UTC, so only these UTC days are read.
    WHERE
        (since::DATE IS NULL OR m.date >= since::DATE - 1) AND (until::DATE IS NULL OR m.date < until::DATE + 1)
        AND (
            number::VARCHAR IS NULL
            OR normal_number(number::VARCHAR) IN (m.source, m.destination)
            -- What stands for the number where numbers are kept as keyed digests; set by whoever has the key.
            OR getvariable('number_digest')::VARCHAR IN (m.source, m.destination)
        )
)
WHERE (since::DATE IS NULL OR date >= since::DATE) AND (until::DATE IS NULL OR date < until::DATE);
