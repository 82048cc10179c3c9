-- What the messages of [$first, $end) add up to, in one row for each currency.
SELECT
    currency,
    count(*) AS messages,
    sum(cost) AS cost,
    count(*) FILTER (channel = 'sms' AND direction = 'OUT' AND settled(channel, status, delivery_status)) AS sms_settled,
    count(*) FILTER (channel = 'sms' AND direction = 'OUT' AND arrived(channel, status, delivery_status)) AS sms_arrived,
    count(*) FILTER (channel = 'a2p' AND settled(channel, status, delivery_status)) AS a2p_settled,
    count(*) FILTER (channel = 'a2p' AND arrived(channel, status, delivery_status)) AS a2p_arrived,
    count(*) FILTER (status = 'error') AS failed
FROM messages_of($first, $end, NULL, $accounts, $tz)
GROUP BY currency
ORDER BY currency NULLS LAST;
