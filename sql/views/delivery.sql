-- What became of the messages of a2p: each UTC day by delivery status.
CREATE VIEW delivery AS
SELECT
    account_id, -- The Voximplant account.
    account, -- Its name, or its number where that is not known.
    currency, -- The currency of the account, null where it is not known.
    date, -- A UTC day.
    delivery_status, -- Null where the API gave none.
    messages, -- How many.
    round(100.0 * messages / sum(messages) OVER its_day, 2) AS share_pct, -- Their share of the day, in percent.
    round(100.0 * sum(moving) OVER its_day / sum(messages) OVER its_day, 2) AS moving_pct -- The share of the day whose status can still change, in percent.
FROM (
    SELECT
        account_id, account, currency, date, delivery_status, sum(messages)::BIGINT AS messages,
        messages_if(coalesce(status_id = 3, false) OR delivery_status IN ('QUEUED', 'DISPATCHED'), messages) AS moving
    FROM totals
    WHERE channel = 'a2p'
    GROUP BY account_id, account, currency, date, delivery_status
)
WINDOW its_day AS (PARTITION BY account_id, date);
