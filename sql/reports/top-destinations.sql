-- The countries that most outgoing messages went to: how many arrived and what each of those cost, shares within an account.
-- Example: voxlake report top-destinations --from 2026-01-01 --to 2026-04-01
-- A narrow table leaves out cost_per_arrived, segments, moving_pct, recipients, share_pct.
SELECT
    account_id,
    account,
    currency,
    coalesce(destination_country, 'unknown') AS country,
    count(*) AS messages,
    percent(count(*), sum(count(*)) OVER (PARTITION BY account_id)) AS share_pct,
    count(DISTINCT destination) AS recipients,
    sum(segments)::BIGINT AS segments,
    sum(cost) AS cost,
    percent(
        count(*) FILTER (arrived(stream, status, delivery_status)), count(*) FILTER (settled(stream, status, delivery_status))
    ) AS arrived_pct,
    percent(count(*) FILTER (moving(status, delivery_status)), count(*)) AS moving_pct,
    round(
        sum(cost) FILTER (NOT moving(status, delivery_status))
        / nullif(count(*) FILTER (arrived(stream, status, delivery_status)), 0), 6
    ) AS cost_per_arrived
FROM messages_of($from, $to, $number, $accounts, $tz)
WHERE direction = 'OUT'
GROUP BY account_id, account, currency, country
ORDER BY messages DESC, country, account, account_id;
