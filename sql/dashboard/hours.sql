-- Messages by weekday (1 is Monday) and hour of the days [$first, $end), in the zone $tz.
SELECT isodow(hour) AS weekday, hour(hour) AS hour, sum(messages)::BIGINT AS messages
FROM (
    SELECT hour, messages
    FROM hourly
    WHERE
        $tz = 'UTC' AND date_trunc('day', hour) >= $first AND date_trunc('day', hour) < $end
        AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
    UNION ALL
    SELECT date_trunc('hour', processed_at) AS hour, count(*) AS messages
    FROM messages_of($first, $end, NULL, $accounts, $tz)
    WHERE $tz <> 'UTC'
    GROUP BY ALL
)
GROUP BY ALL
ORDER BY ALL;
