-- How many messages of a group of totals meet a condition on what they have in common.
-- Example: SELECT messages_if(status = 'error', messages) FROM totals
-- Answer: 3
CREATE MACRO messages_if(condition, messages) AS
coalesce(sum(CASE WHEN condition THEN messages END), 0)::BIGINT;
