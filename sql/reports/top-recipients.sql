-- Every number that was written to and what that cost, most messages first.
SELECT
    destination_number AS number,
    destination_country AS country,
    count(*) AS messages,
    sum(fragments)::BIGINT AS parts,
    sum(cost) AS cost,
    count(DISTINCT date) AS days,
    max(processed_at) AS newest
FROM messages
WHERE direction = 'OUT' AND date >= $from AND date < $to AND ($number::VARCHAR IS NULL OR $number IN (source_number, destination_number))
GROUP BY destination_number, destination_country
ORDER BY messages DESC, number;
