-- Messages by weekday (1 is Monday) and hour of the days [$first, $end), in the zone $tz.
SELECT isodow(hour) AS weekday, hour(hour) AS hour, sum(messages)::BIGINT AS messages
FROM hours_of($first, $end, $accounts, $tz)
GROUP BY ALL
ORDER BY ALL;
