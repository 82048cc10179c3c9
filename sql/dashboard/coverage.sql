-- Every UTC day of [$first, $end) for every stream that was ever exported: final, open, unverified or missing.
SELECT
    streams.account_id,
    coalesce(a.name, streams.account_id::VARCHAR) AS account,
    streams.stream,
    days.day::DATE AS date,
    CASE
        WHEN c.date IS NULL THEN 'missing'
        WHEN NOT c.verified THEN 'unverified'
        WHEN c.final THEN 'final'
        ELSE 'open'
    END AS state,
    coalesce(c.row_count, 0) AS messages,
    c.total_count AS counted
FROM (
    SELECT DISTINCT account_id, stream
    FROM coverage
    WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id)
) AS streams
INNER JOIN accounts AS a ON a.account_id = streams.account_id
CROSS JOIN range($first::TIMESTAMP, $end::TIMESTAMP, INTERVAL 1 DAY) AS days (day)
LEFT JOIN coverage AS c
    ON c.account_id = streams.account_id AND c.stream = streams.stream AND c.date = days.day::DATE
ORDER BY streams.account_id, streams.stream DESC, date;
