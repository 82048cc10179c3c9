-- How many messages of a group of totals meet a condition on what they have in common.
CREATE MACRO messages_if(condition, messages) AS
coalesce(sum(CASE WHEN condition THEN messages END), 0)::BIGINT;
