-- What each month cost by channel, and what a message and a part cost in it, newest month first.
SELECT
    account_id,
    account,
    currency,
    strftime(date, '%Y-%m') AS month,
    channel,
    sum(messages)::BIGINT AS messages,
    sum(parts)::BIGINT AS parts,
    sum(cost) AS cost,
    round(sum(cost) / sum(messages)::BIGINT, 6) AS cost_per_message,
    round(sum(cost) / nullif(sum(parts)::BIGINT, 0), 6) AS cost_per_part
FROM days_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, month, channel
ORDER BY month DESC, account, account_id, channel;
