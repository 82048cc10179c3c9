-- Every account with coverage is in the table accounts exactly once, or its messages would be lost or counted twice.
SELECT account_id, c.days, a.times
FROM (SELECT account_id, count(*) AS days FROM coverage GROUP BY account_id) AS c
FULL JOIN (SELECT account_id, count(*) AS times FROM accounts GROUP BY account_id) AS a USING (account_id)
WHERE c.days IS NULL OR coalesce(a.times, 0) <> 1;
