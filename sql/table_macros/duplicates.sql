-- Outgoing messages of an account that repeat one to the same recipient, by at most so long after it: the same text, or from the same sender where texts cannot be compared; of the UTC days [since, until).
-- Example: SELECT stream, count(*), sum(cost) FROM duplicates(within := INTERVAL 5 MINUTES) GROUP BY ALL ORDER BY ALL
-- Answer: a2p | 1 | 0.040000
-- Answer: sms | 1 | 0.060000
CREATE MACRO duplicates(within := INTERVAL 1 MINUTE, since := NULL, until := NULL) AS TABLE
SELECT
    m.account_id, m.account, m.currency, m.date, m.stream, m.source AS sender, m.destination AS number,
    CASE WHEN r.readable THEN 'text' ELSE 'sender' END AS same, m.text, m.processed_at,
    m.processed_at - r.earlier.processed_at AS after, m.status, m.segments, m.cost, m.message_id,
    r.earlier.stream AS earlier_stream, r.earlier.message_id AS earlier_message_id, r.earlier.status AS earlier_status
FROM (
    SELECT
        account_id, date, stream, message_id, readable, processed_at,
        -- A digest of 128 bits in place of the text, because all messages are sorted, and texts are most of what they are.
        lag({'processed_at': processed_at, 'stream': stream, 'message_id': message_id, 'status': status}) OVER (
            PARTITION BY account_id, destination, md5_number(CASE WHEN readable THEN 'text ' || text ELSE 'sender ' || source END)
            ORDER BY processed_at, stream, message_id
        ) AS earlier
    FROM (
        SELECT
            account_id, date, stream, message_id, source, destination, text, status, processed_at,
            -- Nothing was written, it was not stored, or it is masked.
            NOT regexp_full_match(coalesce(text, ''), '[x€ж😀\s\p{Z}]*') AS readable
        FROM messages
        WHERE
            direction = 'OUT'
            AND (since::DATE IS NULL OR date >= (since::DATE - within::INTERVAL)::DATE)
            AND (until::DATE IS NULL OR date < until::DATE)
            -- A masked number stands for many.
            AND NOT contains(destination, '***')
    )
    WHERE readable OR NOT contains(source, '***')
) AS r
INNER JOIN messages AS m
    ON m.account_id = r.account_id AND m.date = r.date AND m.stream = r.stream AND m.message_id = r.message_id
WHERE
    r.processed_at - r.earlier.processed_at <= within::INTERVAL
    AND (since::DATE IS NULL OR r.date >= since::DATE) AND (since::DATE IS NULL OR m.date >= since::DATE)
    AND (until::DATE IS NULL OR m.date < until::DATE);
