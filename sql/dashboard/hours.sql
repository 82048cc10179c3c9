-- Messages by weekday (1 is Monday) and hour of [$first, $end), UTC.
SELECT isodow(processed_at) AS weekday, hour(processed_at) AS hour, count(*) AS messages
FROM messages
WHERE date >= $first AND date < $end
GROUP BY ALL
ORDER BY ALL;
