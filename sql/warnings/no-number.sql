-- A message has a sender and a recipient.
SELECT stream, sum(messages)::BIGINT AS messages, min(date) AS first_day, max(date) AS last_day
FROM meta.odd_totals
WHERE
    warning = 'no-number'
    AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
    AND ($first::DATE IS NULL OR date >= $first::DATE) AND ($end::DATE IS NULL OR date < $end::DATE)
GROUP BY stream
ORDER BY stream;
