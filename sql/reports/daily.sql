-- Messages, cost, success and delivery by day and channel, sent and received together, newest day first.
SELECT
    account_id,
    account,
    currency,
    date,
    channel,
    sum(messages)::BIGINT AS messages,
    sum(parts)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * messages_if(status = 'success', messages) / sum(messages)::BIGINT, 2) AS success_pct,
    round(
        100.0 * messages_if(delivery_status = 'DELIVERED', messages)
        / nullif(messages_if(delivery_status IS NOT NULL, messages), 0), 2
    ) AS delivered_pct
FROM totals_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, date, channel
ORDER BY date DESC, account, account_id, channel;
