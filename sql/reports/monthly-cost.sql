-- What each month cost by stream, and what a message and a segment cost in it, newest month first.
-- Example: voxlake report monthly-cost --tz account --out cost.xlsx
-- A narrow table leaves out cost_per_segment, segments, cost_per_message.
SELECT
    account_id,
    account,
    currency,
    strftime(date, '%Y-%m') AS month,
    stream,
    sum(messages)::BIGINT AS messages,
    sum(segments)::BIGINT AS segments,
    sum(cost) AS cost,
    round(sum(cost) / sum(messages)::BIGINT, 6) AS cost_per_message,
    round(sum(cost) / nullif(sum(segments)::BIGINT, 0), 6) AS cost_per_segment
FROM days_of($from, $to, $number, $accounts, $tz)
GROUP BY account_id, account, currency, month, stream
ORDER BY month DESC, account, account_id, stream;
