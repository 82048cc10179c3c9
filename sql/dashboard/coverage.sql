-- Every UTC day of [$first, $end) for every stream that was ever exported: final, open, unverified, missing or skipped.
-- Of several accounts, days before the first of each are left out. Days between a backfill and the first that exports
-- look after are skipped, or where nothing else was asked for, missing. With $together all accounts of a stream are one, in
-- the worst state of any.
WITH streams AS (
    SELECT c.account_id, c.stream, coalesce(any_value(a.name), c.account_id::VARCHAR) AS account, min(a.first_day) AS first_day,
        coalesce(min(a.exported_since), min(a.first_day)) AS since
    FROM coverage AS c
    INNER JOIN accounts AS a ON a.account_id = c.account_id
    WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], c.account_id)
    GROUP BY c.account_id, c.stream
),

days AS (
    SELECT
        s.account_id, s.account, s.stream, d.day::DATE AS date, c.row_count, c.total_count,
        CASE
            WHEN c.date IS NULL THEN if(d.day >= s.since OR d.day < s.first_day OR $end::DATE <= s.since, 4, 0)
            WHEN NOT c.verified THEN 3
            WHEN c.final THEN 1
            ELSE 2
        END AS state
    FROM streams AS s
    CROSS JOIN range($first::TIMESTAMP, $end::TIMESTAMP, INTERVAL 1 DAY) AS d (day)
    LEFT JOIN coverage AS c ON c.account_id = s.account_id AND c.stream = s.stream AND c.date = d.day::DATE
    WHERE d.day >= least(s.first_day, s.since) OR (SELECT count(DISTINCT account_id) = 1 FROM streams)
)

SELECT
    if($together, NULL, account_id) AS account_id,
    if($together, NULL, account) AS account,
    stream,
    date,
    ['skipped', 'final', 'open', 'unverified', 'missing'][max(state) + 1] AS state,
    coalesce(sum(row_count), 0)::BIGINT AS messages,
    sum(total_count)::BIGINT AS counted
FROM days
GROUP BY ALL
ORDER BY account, account_id, stream DESC, date;
