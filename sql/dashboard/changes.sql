-- What the newest publish with news of some accounts changed against the one before, by UTC day, the newest first, at most $top, with the sums of all its days.
WITH mine AS (
    SELECT *
    FROM changes
    WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id)
)

SELECT
    published_at,
    date,
    sum(rows_new)::BIGINT AS rows_new,
    sum(rows_changed)::BIGINT AS rows_changed,
    sum(rows_gone)::BIGINT AS rows_gone,
    sum(sum(rows_new)) OVER ()::BIGINT AS all_new,
    sum(sum(rows_changed)) OVER ()::BIGINT AS all_changed,
    sum(sum(rows_gone)) OVER ()::BIGINT AS all_gone,
    count(*) OVER () AS days
FROM mine
WHERE published_at = (SELECT max(published_at) FROM mine)
GROUP BY published_at, date
ORDER BY date DESC
LIMIT $top;
