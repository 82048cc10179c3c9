-- SenderIDs that look like a misspelling of one that is ten times as frequent, by one letter or two, by case or by blanks, busiest first.
-- Example: voxlake report similar-senders --from 2026-01-01
-- A narrow table leaves out cost, first_day.
WITH senders AS (
    SELECT
        account_id, account, currency, source AS sender, count(*) AS messages, sum(cost) AS cost, min(date) AS first_day, max(date) AS last_day,
        lower(regexp_replace(source, '[\s\p{P}\p{Z}]', '', 'g')) AS letters
    FROM messages_of($from, $to, NULL, $accounts, $tz)
    WHERE direction = 'OUT' AND regexp_matches(source, '\p{L}')
    GROUP BY account_id, account, currency, source
)

SELECT
    r.account_id,
    r.account,
    r.currency,
    r.sender,
    r.messages,
    r.cost,
    r.first_day,
    r.last_day,
    f.sender AS looks_like,
    f.messages AS its_messages
FROM senders AS r
INNER JOIN senders AS f
    ON f.account_id = r.account_id AND f.sender <> r.sender AND f.messages >= 10 * r.messages
    AND abs(length(f.letters) - length(r.letters)) <= 2
WHERE
    damerau_levenshtein(r.letters, f.letters) <= CASE WHEN length(f.letters) >= 8 THEN 2 WHEN length(f.letters) >= 4 THEN 1 ELSE 0 END
    AND ($number::VARCHAR IS NULL OR normal_number($number::VARCHAR) IN (r.sender, f.sender))
ORDER BY r.messages DESC, r.sender, f.messages DESC, f.sender, r.account, r.account_id;
