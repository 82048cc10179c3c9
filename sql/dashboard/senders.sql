-- Who sent the most messages of [$first, $end), of which account, what they cost, how they arrived, and how many on which day, at most $top of a currency.
SELECT
    account_id,
    account,
    currency,
    coalesce(source_number, '') AS sender,
    channel,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (arrived(channel, status, delivery_status)) AS arrived,
    histogram(date) AS days,
    count(*) OVER (PARTITION BY currency) AS senders
FROM messages_of($first, $end, NULL, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, sender, channel
QUALIFY row_number() OVER (PARTITION BY currency ORDER BY count(*) DESC, sender, channel, account_id) <= $top
ORDER BY currency NULLS LAST, messages DESC, sender, channel, account_id;
