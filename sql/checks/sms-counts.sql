-- Every day of sms_history has exactly the rows that its coverage says, and where it is verified, that the API counted.
SELECT account_id, date, c.row_count, c.forgotten, c.total_count, r.rows
FROM (
    SELECT account_id, date, count(*) AS rows
    FROM sms_history
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
    GROUP BY ALL
) AS r
FULL JOIN (
    SELECT account_id, date, row_count, forgotten, total_count, verified
    FROM coverage
    SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = 'sms') USING (account_id, date)
    WHERE stream = 'sms'
) AS c USING (account_id, date)
WHERE coalesce(r.rows, 0) IS DISTINCT FROM c.row_count
    OR (c.verified AND c.row_count + c.forgotten IS DISTINCT FROM c.total_count);
