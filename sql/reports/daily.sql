-- Messages, cost, success and delivery of what has settled by day and channel, sent and received together, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    channel,
    sum(messages)::BIGINT AS messages,
    sum(parts)::BIGINT AS parts,
    sum(cost) AS cost,
    percent(messages_if(status = 'success', messages), messages_if(status <> 'waiting', messages)) AS success_pct,
    percent(
        messages_if(channel = 'a2p' AND arrived(channel, status, delivery_status), messages),
        messages_if(channel = 'a2p' AND settled(channel, status, delivery_status), messages)
    ) AS delivered_pct,
    percent(messages_if(moving(status, delivery_status), messages), sum(messages)::BIGINT) AS moving_pct
FROM days_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date, channel
ORDER BY date DESC, account, account_id, channel;
