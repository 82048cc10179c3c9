-- The share of each status and of each delivery status in percent, of all messages and of those that have settled, each column adding up to exactly 100.
-- Example: voxlake report status-shares --from 2026-01-01 --to 2026-02-01
-- A narrow table leaves out settled.
WITH counted AS (
    SELECT account_id, account, stream, unnest(['status', 'delivery']) AS kind, unnest([status, delivery_status]) AS value, messages, settled(stream, status, delivery_status) AS has_settled
    FROM days_of($from, $to, $number, $accounts, $tz)
),

summed AS (
    SELECT
        account_id, account, stream, kind, coalesce(value, 'none') AS value, sum(messages)::BIGINT AS messages,
        messages_if(has_settled, messages) AS settled
    FROM counted
    WHERE kind = 'status' OR stream = 'a2p'
    GROUP BY ALL
),

-- In hundredths of a percent: what is left over by rounding down goes to the largest remainders.
shared AS (
    SELECT
        *,
        10000 * messages // nullif(sum(messages) OVER its_kind, 0) AS parts_of_all,
        10000 * messages % nullif(sum(messages) OVER its_kind, 0) AS rest_of_all,
        10000 * settled // nullif(sum(settled) OVER its_kind, 0) AS parts_of_settled,
        10000 * settled % nullif(sum(settled) OVER its_kind, 0) AS rest_of_settled
    FROM summed
    WINDOW its_kind AS (PARTITION BY account_id, stream, kind)
)

SELECT
    account_id,
    account,
    stream,
    kind,
    value,
    messages,
    ((parts_of_all + (row_number() OVER (of_kind ORDER BY rest_of_all DESC, messages DESC, value) <= 10000 - sum(parts_of_all) OVER of_kind)::INTEGER) / 100)::DECIMAL(5, 2) AS all_pct,
    settled,
    ((parts_of_settled + (row_number() OVER (of_kind ORDER BY rest_of_settled DESC, settled DESC, value) <= 10000 - sum(parts_of_settled) OVER of_kind)::INTEGER) / 100)::DECIMAL(5, 2) AS settled_pct
FROM shared
WINDOW of_kind AS (PARTITION BY account_id, stream, kind)
ORDER BY account, account_id, stream, kind DESC, messages DESC, value;
