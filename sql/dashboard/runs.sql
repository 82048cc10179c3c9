-- The newest runs that looked at days of some accounts, as of the last publish, at most $top: what each changed, and how it ended.
SELECT
    started_at, finished_at, command, account, days, rows_new, rows_changed, rows_gone, exit_code, problem
FROM runs
WHERE
    days > 0
    AND ($accounts::BIGINT[] IS NULL OR account_id IS NULL OR list_contains($accounts::BIGINT[], account_id))
ORDER BY started_at DESC
LIMIT $top;
