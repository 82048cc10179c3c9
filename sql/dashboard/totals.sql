-- What the messages of the days [$first, $end) add up to, in one row, with costs by currency.
SELECT
    coalesce(sum(messages), 0)::BIGINT AS messages,
    map_from_entries(list((currency, cost) ORDER BY currency)) AS costs,
    coalesce(sum(sms_settled), 0)::BIGINT AS sms_settled,
    coalesce(sum(sms_arrived), 0)::BIGINT AS sms_arrived,
    coalesce(sum(sms_moving), 0)::BIGINT AS sms_moving,
    coalesce(sum(sms_sent), 0)::BIGINT AS sms_sent,
    coalesce(sum(a2p_settled), 0)::BIGINT AS a2p_settled,
    coalesce(sum(a2p_arrived), 0)::BIGINT AS a2p_arrived,
    coalesce(sum(a2p_moving), 0)::BIGINT AS a2p_moving,
    coalesce(sum(a2p_sent), 0)::BIGINT AS a2p_sent,
    coalesce(sum(failed), 0)::BIGINT AS failed
FROM (
    SELECT
        coalesce(currency, '') AS currency,
        sum(messages)::BIGINT AS messages,
        sum(cost) AS cost,
        messages_if(stream = 'sms' AND direction = 'OUT' AND settled(stream, status, delivery_status), messages) AS sms_settled,
        messages_if(stream = 'sms' AND direction = 'OUT' AND arrived(stream, status, delivery_status), messages) AS sms_arrived,
        messages_if(stream = 'sms' AND direction = 'OUT' AND moving(status, delivery_status), messages) AS sms_moving,
        messages_if(stream = 'sms' AND direction = 'OUT', messages) AS sms_sent,
        messages_if(stream = 'a2p' AND settled(stream, status, delivery_status), messages) AS a2p_settled,
        messages_if(stream = 'a2p' AND arrived(stream, status, delivery_status), messages) AS a2p_arrived,
        messages_if(stream = 'a2p' AND moving(status, delivery_status), messages) AS a2p_moving,
        messages_if(stream = 'a2p', messages) AS a2p_sent,
        messages_if(status = 'error', messages) AS failed
    FROM days_of($first, $end, NULL, $accounts, $tz)
    GROUP BY coalesce(currency, '')
);
