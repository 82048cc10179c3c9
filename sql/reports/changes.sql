-- What the last publish with news changed, by day and stream, newest day first, which a database that is built anew does not know.
-- Example: voxlake report changes --account shop
-- A narrow table leaves out messages, state, published_at.
-- Without rows: Nothing is on record of these days: no publish with news came after the one that built the database.
SELECT
    c.published_at,
    c.account_id,
    coalesce(a.name, c.account_id::VARCHAR) AS account,
    c.date,
    c.stream,
    c.rows_new,
    c.rows_changed,
    c.rows_gone,
    coalesce(d.row_count, 0) AS messages,
    coalesce(d.state, 'gone') AS state
FROM changes AS c
LEFT JOIN accounts AS a ON a.account_id = c.account_id
LEFT JOIN days AS d ON d.account_id = c.account_id AND d.stream = c.stream AND d.date = c.date
WHERE
    c.published_at = (SELECT max(published_at) FROM changes)
    AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], c.account_id))
    AND c.date >= $from AND c.date < $to
ORDER BY c.date DESC, account, c.account_id, c.stream;
