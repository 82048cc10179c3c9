-- Errors by what went wrong, whatever the number, see the macro error_kind.
CREATE VIEW errors AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    stream, -- sms or a2p.
    error_kind(error_message, source_number, destination_number) AS error, -- The text with # in place of numbers and names.
    count(*) AS messages, -- How many it hit.
    sum(cost) AS cost, -- What they cost all the same.
    min(date) AS first_day, -- The first UTC day with it.
    max(date) AS last_day, -- The last UTC day with it.
    stream AS channel -- Former name of stream, gone in 0.4.
FROM messages
WHERE error_message IS NOT NULL
GROUP BY ALL;
