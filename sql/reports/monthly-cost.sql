-- Messages, parts and cost by month and channel, newest month first.
SELECT
    strftime(date, '%Y-%m') AS month,
    channel,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost
FROM messages
GROUP BY month, channel
ORDER BY month DESC, channel;
