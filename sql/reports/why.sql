-- The proof of a day in five lines: its state, its counts, what proved it, when it was read, and what would change it.
-- Example: voxlake report why 2026-01-05 --account shop
-- A narrow table leaves out stream.
WITH chosen AS (
    SELECT s.account_id, coalesce(a.name, s.account_id::VARCHAR) AS account, s.stream, coalesce(s.exported_since, s.first_day) AS since
    FROM streams AS s
    INNER JOIN accounts AS a ON a.account_id = s.account_id
    WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], s.account_id)
),

-- A day that is asked for alone is in the answer whether anybody knows it or not.
asked AS (
    SELECT account_id, stream, date
    FROM days
    WHERE date >= $from AND date < $to
    UNION
    SELECT account_id, stream, $from::DATE AS date
    FROM chosen
    WHERE $from::DATE = $to::DATE - 1
),

known AS (
    SELECT
        q.account_id, c.account, q.stream, q.date, d.row_count, d.total_count, d.forgotten, d.problem, d.proof, d.exported_at,
        CASE
            WHEN q.date >= utc_today() THEN 'not over'
            WHEN d.state IS NULL THEN 'not exported'
            ELSE d.state
        END AS state,
        q.date + INTERVAL 1 DAY + to_seconds(b.settled_after) AS settled_at,
        q.date + INTERVAL 1 DAY + to_seconds(b.given_up_after) AS given_up_at,
        coalesce(m.moving, 0) AS moving
    FROM asked AS q
    INNER JOIN chosen AS c ON c.account_id = q.account_id AND c.stream = q.stream
    CROSS JOIN meta.built AS b
    LEFT JOIN days AS d ON d.account_id = q.account_id AND d.stream = q.stream AND d.date = q.date
    LEFT JOIN (
        SELECT account_id, stream, date, messages_if(moving(status, delivery_status), messages) AS moving
        FROM totals
        WHERE date >= $from AND date < $to
        GROUP BY account_id, stream, date
    ) AS m ON m.account_id = q.account_id AND m.stream = q.stream AND m.date = q.date
)

SELECT account_id, account, date, stream, unnest(['state', 'counts', 'proof', 'read', 'change']) AS about, unnest([
    CASE state
        WHEN 'final' THEN 'final: proved whole, and no status can change'
        WHEN 'open' THEN 'open: proved whole, but it may still change'
        WHEN 'unverified' THEN 'unverified: messages may be missing'
        WHEN 'missing' THEN 'missing: exports look after it, and it is not here'
        WHEN 'retained' THEN 'retained: taken away because of its age'
        WHEN 'not over' THEN 'not over: messages still come'
        ELSE 'not exported: before what exports look after'
    END,
    CASE
        WHEN exported_at IS NULL THEN 'nothing is here'
        ELSE format('{:,} here, {} by the API', row_count, coalesce(format('{:,}', total_count), 'not counted'))
            || if(forgotten > 0, format(', {:,} erased here', forgotten), '')
    END,
    CASE
        WHEN state NOT IN ('final', 'open') THEN coalesce(problem, 'none')
        WHEN proof = 'readings' THEN 'two readings agree, as the API''s counts prove nothing'
        ELSE 'every message that the API counts was read'
    END,
    CASE
        WHEN exported_at IS NULL THEN 'never'
        ELSE strftime(exported_at, '%Y-%m-%d %H:%M UTC') || ', or later without news'
    END,
    CASE state
        WHEN 'final' THEN 'nothing by itself, and ''voxlake audit'' compares it'
        WHEN 'open' THEN if(
            moving > 0,
            format('{:,} can change, until {}', moving, strftime(greatest(given_up_at, settled_at), '%Y-%m-%d %H:%M UTC')),
            'exports look again until ' || strftime(settled_at, '%Y-%m-%d %H:%M UTC')
        )
        WHEN 'unverified' THEN 'the next ''voxlake export'' reads it again'
        WHEN 'missing' THEN 'the next ''voxlake export'' reads it'
        WHEN 'retained' THEN 'a longer retention, and ''voxlake backfill'''
        WHEN 'not over' THEN 'its end, and the export after that'
        ELSE '''voxlake backfill'' of this day'
    END
]) AS answer
FROM known
ORDER BY date DESC, account, account_id, stream, list_position(['state', 'counts', 'proof', 'read', 'change'], about);
