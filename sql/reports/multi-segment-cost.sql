-- What the segments of outgoing texts beyond the first cost, by text, dearest first, and what rewriting each text and those above it would save.
-- Example: voxlake report multi-segment-cost --from 2026-01-01 --limit 10
-- A narrow table leaves out text, cost, segments, saved_pct, place.
WITH texts AS (
    SELECT
        account_id, account, currency, text, max(segments) AS segments, count(*) AS messages, sum(cost) AS cost,
        sum(round(cost * (segments - 1) / segments, 6))::DECIMAL(38, 6) AS beyond_first
    FROM messages_of($from, $to, $number, $accounts, $tz)
    WHERE direction = 'OUT' AND segments > 1
    GROUP BY account_id, account, currency, text
)

SELECT
    account_id,
    account,
    currency,
    -- Nobody can rewrite what is not stored.
    CASE WHEN text IS NOT NULL THEN row_number() OVER best END AS place,
    segments,
    messages,
    cost,
    beyond_first,
    CASE WHEN text IS NOT NULL THEN sum(beyond_first) OVER best END AS saved,
    CASE WHEN text IS NOT NULL THEN percent(sum(beyond_first) OVER best, sum(beyond_first) OVER (PARTITION BY account_id)) END AS saved_pct,
    coalesce(regexp_replace(left(text, 24), '\s+', ' ', 'g') || if(length(text) > 24, '...', ''), '(not stored)') AS begins,
    text
FROM texts
WINDOW best AS (PARTITION BY account_id ORDER BY text IS NULL, beyond_first DESC NULLS LAST, text ROWS UNBOUNDED PRECEDING)
ORDER BY currency NULLS LAST, account, account_id, place NULLS LAST;
