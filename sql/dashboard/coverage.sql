-- Every UTC day of [$first, $end) for every stream that was ever exported: final, open, unverified, missing or skipped.
-- Of several accounts, days before the first of each are left out. Days that were retained away are skipped, and so are
-- days between a backfill and the first that exports look after, or where nothing else was asked for, these are missing.
-- With $together all accounts of a stream are one, in the worst state of any.
WITH chosen AS (
    SELECT
        s.account_id, s.stream, coalesce(a.name, s.account_id::VARCHAR) AS account, a.first_day,
        coalesce(s.exported_since, s.first_day) AS since
    FROM streams AS s
    INNER JOIN accounts AS a ON a.account_id = s.account_id
    WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], s.account_id)
),

found AS (
    SELECT
        s.account_id, s.account, s.stream, r.day::DATE AS date, d.row_count, d.total_count,
        CASE
            WHEN d.state = 'retained' THEN 0
            WHEN d.state IS NOT NULL THEN list_position(['final', 'open', 'unverified', 'missing'], d.state)
            WHEN r.day < s.first_day OR $end::DATE <= s.since THEN 4
            ELSE 0
        END AS state
    FROM chosen AS s
    CROSS JOIN range($first::TIMESTAMP, $end::TIMESTAMP, INTERVAL 1 DAY) AS r (day)
    LEFT JOIN days AS d ON d.account_id = s.account_id AND d.stream = s.stream AND d.date = r.day::DATE
    WHERE
        -- Today has time.
        (d.date IS NOT NULL OR r.day < utc_today())
        AND (r.day >= least(s.first_day, s.since) OR (SELECT count(DISTINCT account_id) = 1 FROM chosen))
)

SELECT
    if($together, NULL, account_id) AS account_id,
    if($together, NULL, account) AS account,
    stream,
    date,
    ['skipped', 'final', 'open', 'unverified', 'missing'][max(state) + 1] AS state,
    coalesce(sum(row_count), 0)::BIGINT AS messages,
    sum(total_count)::BIGINT AS counted
FROM found
GROUP BY ALL
ORDER BY account, account_id, stream DESC, date;
