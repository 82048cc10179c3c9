-- Messages that came in and went out by day, and what each side cost, newest day first.
SELECT
    date,
    count(*) FILTER (direction = 'IN') AS inbound,
    count(*) FILTER (direction = 'OUT') AS outbound,
    round(100.0 * count(*) FILTER (direction = 'IN') / count(*), 2) AS inbound_pct,
    coalesce(sum(cost) FILTER (direction = 'IN'), 0) AS inbound_cost,
    coalesce(sum(cost) FILTER (direction = 'OUT'), 0) AS outbound_cost
FROM messages
WHERE date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
GROUP BY date
ORDER BY date DESC;
