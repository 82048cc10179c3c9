-- The countries that most outgoing messages went to: how many arrived and what each of those cost.
SELECT
    coalesce(destination_country, 'unknown') AS country,
    count(*) AS messages,
    round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS share_pct,
    count(DISTINCT destination_number) AS recipients,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    round(100.0 * count(*) FILTER (arrived) / count(*), 2) AS arrived_pct,
    round(sum(cost) / nullif(count(*) FILTER (arrived), 0), 6) AS cost_per_arrived
FROM (
    SELECT *, CASE channel WHEN 'a2p' THEN delivery_status = 'DELIVERED' ELSE status = 'success' END AS arrived
    FROM messages
    WHERE direction = 'OUT' AND date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
)
GROUP BY country
ORDER BY messages DESC, country;
