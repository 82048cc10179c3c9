-- How many of the settled messages of a2p of each sender were delivered week by week, in whole weeks from Monday, and the change in points, greatest fall of the newest week first.
-- Example: voxlake report sender-weeks --from 2026-01-05 --tz Europe/Berlin
-- A narrow table leaves out messages, week_before_pct, delivered.
WITH counted AS (
    SELECT
        account_id, account, source AS sender, date_trunc('week', date)::DATE AS week, count(*) AS messages,
        count(*) FILTER (settled) AS settled,
        count(*) FILTER (settled AND delivery_status = 'DELIVERED') AS delivered
    FROM messages_of(date_trunc('week', $from::DATE)::DATE - 7, $to, $number, $accounts, $tz)
    WHERE stream = 'a2p'
    GROUP BY account_id, account, sender, week
)

SELECT
    n.account_id,
    n.account,
    n.week,
    n.sender,
    n.messages,
    n.settled,
    n.delivered,
    percent(n.delivered, n.settled) AS delivered_pct,
    percent(b.delivered, b.settled) AS week_before_pct,
    round(100.0 * n.delivered / nullif(n.settled, 0) - 100.0 * b.delivered / nullif(b.settled, 0), 2) AS change
FROM counted AS n
LEFT JOIN counted AS b
    ON b.account_id = n.account_id AND b.sender IS NOT DISTINCT FROM n.sender AND b.week = n.week - 7
WHERE n.week >= date_trunc('week', $from::DATE)
ORDER BY n.week DESC, change NULLS LAST, n.messages DESC, n.sender, n.account, n.account_id;
