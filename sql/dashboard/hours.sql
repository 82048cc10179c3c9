-- Messages by weekday (1 is Monday) and hour of the days [$first, $end), in the zone $tz.
SELECT isodow(processed_at) AS weekday, hour(processed_at) AS hour, count(*) AS messages
FROM messages_of($first, $end, NULL, $accounts, $tz)
GROUP BY ALL
ORDER BY ALL;
