-- The errors that hit the most messages, whatever the number, and what those messages cost all the same.
-- Example: voxlake report top-errors --from 2026-01-01 --number INFO
-- A narrow table leaves out first_day, last_day, stream.
SELECT
    account_id,
    account,
    currency,
    error_kind(error_message, source_number, destination_number) AS error,
    stream,
    count(*) AS messages,
    sum(cost) AS cost,
    min(date) AS first_day,
    max(date) AS last_day
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE error_message IS NOT NULL
GROUP BY account_id, account, currency, error, stream
ORDER BY messages DESC, error, stream, account, account_id;
