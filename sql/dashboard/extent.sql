-- The first UTC day with coverage, the last one, and the last one that was over when it was exported.
SELECT min(date) AS first, max(date) AS last, max(date) FILTER (exported_at >= date + INTERVAL 1 DAY) AS whole
FROM coverage
WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id);
