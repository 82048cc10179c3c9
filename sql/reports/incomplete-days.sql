-- Days that are not complete: missing, not verified, or taken away because of their age, oldest first.
-- Example: voxlake report incomplete-days --from 2026-01-01 --to 2026-04-01
-- A narrow table leaves out row_count, total_count.
-- Without rows: Every day that was asked about is complete.
SELECT
    account_id,
    account,
    date,
    stream,
    state,
    row_count,
    total_count,
    problem
FROM days
WHERE
    state IN ('missing', 'unverified', 'retained')
    AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
    AND date >= $from AND date < $to
ORDER BY date, account, account_id, stream;
