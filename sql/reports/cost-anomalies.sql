-- Days that cost half as much again as the same weekdays of the four weeks before, or less than half, widest first within a currency.
-- Example: voxlake report cost-anomalies --from 2026-01-01 --tz Europe/Berlin
-- A narrow table leaves out usual_messages, messages, weeks, weekday, times_usual.
WITH chosen AS (
    SELECT account_id, coalesce(name, account_id::VARCHAR) AS account, currency, zone_of($tz, time_zone) AS zone
    FROM accounts
    WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id)
),

-- Each day of a zone with the UTC days that it lies in, as far as they are covered.
covered AS (
    SELECT
        c.account_id, c.stream, z.zone, c.exported_at,
        unnest(list_distinct([
            local_date(c.date::TIMESTAMP, z.zone), local_date(c.date + INTERVAL 1 DAY - INTERVAL 1 MICROSECOND, z.zone)
        ])) AS date
    FROM coverage AS c
    INNER JOIN chosen AS z ON z.account_id = c.account_id
    WHERE c.date >= $from - INTERVAL 29 DAYS AND c.date < $to + INTERVAL 1 DAY
),

whole_days AS (
    SELECT account_id, stream, date
    FROM covered
    GROUP BY account_id, stream, zone, date
    HAVING
        min(exported_at) >= utc_time(date + INTERVAL 1 DAY, zone)
        AND count(*) = 1 + date_diff(
            'day', utc_time(date::TIMESTAMP, zone), utc_time(date + INTERVAL 1 DAY, zone) - INTERVAL 1 MICROSECOND
        )
),

spent AS (
    SELECT w.account_id, w.stream, w.date, coalesce(d.cost, 0) AS cost, coalesce(d.messages, 0) AS messages
    FROM whole_days AS w
    LEFT JOIN (
        SELECT account_id, stream, date, sum(cost) AS cost, sum(messages)::BIGINT AS messages
        FROM days_of($from - INTERVAL 28 DAYS, $to, $number, $accounts, $tz)
        GROUP BY account_id, stream, date
    ) AS d ON d.account_id = w.account_id AND d.stream = w.stream AND d.date = w.date
    WHERE w.date >= $from - INTERVAL 28 DAYS AND w.date < $to
),

compared AS (
    SELECT *, avg(cost) OVER before AS usual_cost, avg(messages) OVER before AS usual_messages, count(*) OVER before AS weeks
    FROM spent
    WINDOW before AS (
        PARTITION BY account_id, stream, dayofweek(date) ORDER BY date
        RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 7 DAYS PRECEDING
    )
)

SELECT
    c.account_id,
    z.account,
    z.currency,
    c.date,
    strftime(c.date, '%A') AS weekday,
    c.stream,
    c.cost,
    round(c.usual_cost, 6) AS usual_cost,
    round(c.cost / c.usual_cost, 2) AS times_usual,
    c.messages,
    round(c.usual_messages, 1) AS usual_messages,
    c.weeks
FROM compared AS c
INNER JOIN chosen AS z ON z.account_id = c.account_id
WHERE
    c.date >= $from AND c.date < $to AND c.weeks >= 2 AND c.usual_cost > 0
    AND NOT c.cost BETWEEN c.usual_cost / 2 AND c.usual_cost * 1.5
ORDER BY z.currency NULLS LAST, abs(c.cost - c.usual_cost) DESC, c.date DESC, z.account, c.account_id, c.stream;
