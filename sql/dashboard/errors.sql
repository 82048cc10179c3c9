-- The errors that hit the most messages of [$first, $end), numbers and names taken out so that they group, at most $top of a currency.
SELECT
    currency,
    error_kind(error_message, source_number, destination_number) AS error,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    max(date) AS last_day,
    sum(count(*)) OVER (PARTITION BY currency)::BIGINT AS total
FROM messages_of($first, $end, NULL, $accounts, $tz)
WHERE error_message IS NOT NULL
GROUP BY currency, error
QUALIFY row_number() OVER (PARTITION BY currency ORDER BY count(*) DESC, error) <= $top
ORDER BY currency NULLS LAST, messages DESC, error;
