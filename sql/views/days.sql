-- Every UTC day of each account and stream that exports look after, up to yesterday by the clock of the session, and every other day that was exported.
CREATE VIEW days AS
SELECT
    d.account_id, -- The Voximplant account.
    coalesce(a.name, d.account_id::VARCHAR) AS account, -- Its name, or its number where that is not known.
    d.stream, -- sms or a2p.
    d.date, -- A UTC day.
    d.state, -- final, open (verified, and may still change), unverified, missing, or retained (taken away because of its age).
    d.row_count, -- Messages of the day in this database, 0 where it is missing or was retained.
    d.total_count, -- Messages of the day as the API counts them, null where it gave none.
    d.forgotten, -- Messages of the day that were erased here, null where it is missing.
    d.problem, -- Why the day is unverified, null where it is not.
    d.proof, -- What proved a verified day, counts or two readings that agree.
    d.exported_at -- When the day was last read, in UTC, null where it is missing.
FROM (
    SELECT
        c.account_id, c.stream, c.date,
        CASE
            WHEN c.date < s.kept_since THEN 'retained'
            WHEN NOT c.verified THEN 'unverified'
            WHEN c.final THEN 'final'
            ELSE 'open'
        END AS state,
        c.row_count, c.total_count, c.forgotten, c.problem, c.proof, c.exported_at
    FROM coverage AS c
    LEFT JOIN streams AS s ON s.account_id = c.account_id AND s.stream = c.stream
    UNION ALL BY NAME
    SELECT account_id, stream, date, 'retained' AS state, 0 AS row_count
    FROM (
        SELECT
            account_id, stream,
            unnest(range(retained_from::TIMESTAMP, kept_since::TIMESTAMP, INTERVAL 1 DAY))::DATE AS date
        FROM streams
        WHERE retained_from IS NOT NULL
    )
    ANTI JOIN coverage USING (account_id, stream, date)
    UNION ALL BY NAME
    SELECT account_id, stream, date, 'missing' AS state, 0 AS row_count
    FROM (
        SELECT
            s.account_id, s.stream,
            unnest(range(
                greatest(coalesce(s.exported_since, s.first_day), s.kept_since)::TIMESTAMP,
                least(utc_today(), e.vanished_on)::TIMESTAMP,
                INTERVAL 1 DAY
            ))::DATE AS date
        FROM streams AS s
        INNER JOIN accounts AS e ON e.account_id = s.account_id
    )
    ANTI JOIN coverage USING (account_id, stream, date)
) AS d
LEFT JOIN accounts AS a ON a.account_id = d.account_id;
