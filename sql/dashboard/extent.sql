-- The first day with coverage, the last one, the last one that was over when it was exported, and how many accounts there are.
SELECT
    min(date) AS first, max(date) AS last, max(date) FILTER (exported_at >= date + INTERVAL 1 DAY) AS whole,
    count(DISTINCT account_id) AS accounts
FROM coverage
WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id);
