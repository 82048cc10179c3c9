-- Every number that was written to and what that cost, most messages first.
-- Example: voxlake report top-recipients --limit 10
-- A narrow table leaves out newest, segments, country, days.
SELECT
    account_id,
    account,
    currency,
    destination AS number,
    destination_country AS country,
    count(*) AS messages,
    sum(segments)::BIGINT AS segments,
    sum(cost) AS cost,
    count(DISTINCT date) AS days,
    max(processed_at) AS newest
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, destination, destination_country
ORDER BY messages DESC, number, account, account_id;
