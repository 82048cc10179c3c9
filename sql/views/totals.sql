-- Messages of both streams, counted and added up by UTC day, direction, country and status, so that queries are fast.
CREATE VIEW totals AS
SELECT
    t.account_id, -- The Voximplant account.
    coalesce(a.name, t.account_id::VARCHAR) AS account, -- Its name, or its number where that is not known.
    a.currency, -- The currency of the account, null where it is not known.
    t.date, -- A UTC day.
    t.stream, -- sms or a2p.
    t.direction, -- IN or OUT, and OUT for all of a2p.
    t.destination_country, -- ISO 3166 code of the country of destination_number.
    t.status_id, -- The vendor's number of the status.
    t.status, -- success, error or waiting, else unknown.
    t.delivery_status, -- What became of messages of a2p.
    t.messages, -- How many.
    t.segments, -- Segments that were billed.
    t.cost, -- In the currency of the account.
    t.stream AS channel, -- Former name of stream, gone in 0.4.
    t.segments AS parts -- Former name of segments, gone in 0.4.
FROM meta.daily_totals AS t
LEFT JOIN accounts AS a ON a.account_id = t.account_id;
