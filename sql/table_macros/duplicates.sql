-- Outgoing messages of an account that repeat one to the same recipient, by at most so long after it: the same text, or from the same sender where texts cannot be compared; of the UTC days [since, until).
-- Example: SELECT stream, count(*), sum(cost) FROM duplicates(within := INTERVAL 5 MINUTES) GROUP BY ALL ORDER BY ALL
-- Answer: a2p | 1 | 0.040000
-- Answer: sms | 1 | 0.060000
CREATE MACRO duplicates(within := INTERVAL 1 MINUTE, since := NULL, until := NULL) AS TABLE
SELECT
    account_id, account, currency, date, stream, sender, number, CASE WHEN readable THEN 'text' ELSE 'sender' END AS same,
    text, processed_at, processed_at - earlier.processed_at AS after, status, segments, cost, message_id,
    earlier.stream AS earlier_stream, earlier.message_id AS earlier_message_id, earlier.status AS earlier_status
FROM (
    SELECT
        *,
        lag({'processed_at': processed_at, 'stream': stream, 'message_id': message_id, 'status': status}) OVER (
            PARTITION BY account_id, number, CASE WHEN readable THEN text END, CASE WHEN NOT readable THEN sender END
            ORDER BY processed_at, stream, message_id
        ) AS earlier
    FROM (
        SELECT
            account_id, account, currency, date, stream, text, processed_at, status, segments, cost, message_id,
            source AS sender, destination AS number,
            -- Nothing was written, it was not stored, or it is masked.
            NOT regexp_full_match(coalesce(text, ''), '[x€ж😀\s\p{Z}]*') AS readable
        FROM messages
        WHERE
            direction = 'OUT'
            AND (since::DATE IS NULL OR date >= (since::DATE - within::INTERVAL)::DATE)
            AND (until::DATE IS NULL OR date < until::DATE)
            -- A masked number stands for many.
            AND NOT contains(destination_number, '***')
    )
    WHERE readable OR NOT contains(sender, '***')
)
WHERE processed_at - earlier.processed_at <= within::INTERVAL AND (since::DATE IS NULL OR date >= since::DATE);
