-- How many messages of a group of totals meet a condition on what they have in common.
CREATE MACRO messages_if(condition, messages) AS
sum(if(condition, messages, 0))::BIGINT;
