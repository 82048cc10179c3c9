-- Messages and cost by day, channel and currency of [$first, $end), and of those sent how many are settled and how many arrived.
SELECT
    date,
    channel,
    currency,
    count(*) AS messages,
    coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (direction = 'OUT') AS sent,
    count(*) FILTER (direction = 'OUT' AND settled(channel, status, delivery_status)) AS settled,
    count(*) FILTER (direction = 'OUT' AND arrived(channel, status, delivery_status)) AS arrived
FROM messages_of($first, $end, NULL, $accounts, $tz)
GROUP BY date, channel, currency
ORDER BY date, channel DESC, currency NULLS LAST;
