-- Fields of the API's replies that voxlake does not know, since when, in how many messages, and with which values, the five most frequent first.
-- Example: voxlake report unknown-fields --from 2026-01-01
-- A narrow table leaves out last_day, different.
WITH valued AS (
    SELECT account_id, account, stream, entry.key AS field, coalesce(entry.value::VARCHAR, 'null') AS value, count(*) AS messages, min(date) AS first_day, max(date) AS last_day
    FROM (
        SELECT account_id, account, stream, date, unnest(map_entries(json_transform(extra, '"MAP(VARCHAR, JSON)"'))) AS entry
        FROM messages_of($from, $to, $number, $accounts, $tz)
        WHERE extra IS NOT NULL
    )
    GROUP BY account_id, account, stream, field, value
)

SELECT
    account_id,
    account,
    stream,
    field,
    min(first_day) AS first_day,
    max(last_day) AS last_day,
    sum(messages)::BIGINT AS messages,
    count(*) AS different,
    array_to_string(list(value || ' (' || messages || ')' ORDER BY messages DESC, value)[:5], ', ') || if(count(*) > 5, ', ...', '') AS examples
FROM valued
GROUP BY account_id, account, stream, field
ORDER BY first_day, stream, field, account, account_id;
