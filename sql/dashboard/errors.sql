-- The errors that hit the most messages of the days [$first, $end), numbers and names taken out so that they group, at most $top, and how many on which day.
SELECT
    error,
    sum(messages)::BIGINT AS messages,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    max(last_day) AS last_day,
    list(days) AS days,
    sum(sum(messages)) OVER ()::BIGINT AS total
FROM (
    SELECT
        error_kind(error_message, source_number, destination_number) AS error,
        coalesce(currency, '') AS currency,
        count(*) AS messages,
        coalesce(sum(cost), 0) AS cost,
        max(date) AS last_day,
        histogram(date) AS days
    FROM messages_of($first, $end, NULL, $accounts, $tz)
    WHERE error_message IS NOT NULL
    GROUP BY error_kind(error_message, source_number, destination_number), coalesce(currency, '')
)
GROUP BY error
ORDER BY messages DESC, error
LIMIT $top;
