-- The countries that most outgoing messages went to: how many arrived and what each of those cost, shares within an account.
SELECT
    account_id,
    account,
    currency,
    coalesce(destination_country, 'unknown') AS country,
    count(*) AS messages,
    round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY account_id), 2) AS share_pct,
    count(DISTINCT destination_number) AS recipients,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * count(*) FILTER (arrived) / count(*), 2) AS arrived_pct,
    round(sum(cost) / nullif(count(*) FILTER (arrived), 0), 6) AS cost_per_arrived
FROM (
    SELECT *, CASE channel WHEN 'a2p' THEN delivery_status = 'DELIVERED' ELSE status = 'success' END AS arrived
    FROM messages_of($from, $to, $number, $accounts, $tz)
    WHERE direction = 'OUT'
)
GROUP BY account_id, account, currency, country
ORDER BY messages DESC, country, account, account_id;
