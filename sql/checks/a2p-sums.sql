-- The days of a2p_sms_history together have as many rows as their coverage says, those included that did not change.
SELECT covered, held
FROM (SELECT count(*) AS held FROM a2p_sms_history), (
    SELECT coalesce(sum(row_count), 0) AS covered FROM coverage WHERE stream = 'a2p'
)
WHERE held <> covered;
