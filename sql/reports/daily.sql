-- Messages, cost, success and delivery by day and channel, sent and received together, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    channel,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * count(*) FILTER (status = 'success') / count(*), 2) AS success_pct,
    round(100.0 * count(*) FILTER (delivery_status = 'DELIVERED') / nullif(count(delivery_status), 0), 2) AS delivered_pct
FROM messages_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date, channel
ORDER BY date DESC, account, account_id, channel;
