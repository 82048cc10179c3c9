-- What the messages of [$first, $end) add up to, in one row; settled are those sent whose status stays as it is.
SELECT
    count(*) AS messages,
    sum(cost) AS cost,
    count(*) FILTER (sent AND channel = 'sms' AND settled) AS sms_settled,
    count(*) FILTER (sent AND channel = 'sms' AND arrived) AS sms_arrived,
    count(*) FILTER (sent AND channel = 'a2p' AND settled) AS a2p_settled,
    count(*) FILTER (sent AND channel = 'a2p' AND arrived) AS a2p_arrived,
    count(*) FILTER (status = 'error') AS failed
FROM (
    SELECT
        channel, cost, status,
        direction = 'OUT' AS sent,
        status IS DISTINCT FROM 'waiting' AND coalesce(delivery_status, '') NOT IN ('QUEUED', 'DISPATCHED') AS settled,
        settled AND if(channel = 'a2p', delivery_status = 'DELIVERED', status = 'success') AS arrived
    FROM messages
    WHERE date >= $first AND date < $end
);
