-- Who answered whom: each message that came in after one that went out to its sender, by at most so long, with the last one that did; of the UTC days [since, until).
-- Example: SELECT sender, number, after FROM conversations(within := INTERVAL 1 DAY)
-- Answer: My Shop | 447400123456 | 18:00:00
CREATE MACRO conversations(within := INTERVAL 24 HOURS, since := NULL, until := NULL) AS TABLE
SELECT
    i.account_id, i.account, i.date, 'sms' AS stream, o.sender, i.number, o.key.processed_at AS asked_at,
    i.key.processed_at AS answered_at, i.key.processed_at - o.key.processed_at AS after, i.answered_to,
    o.key.stream AS asked_stream, o.key.message_id AS asked_message_id, i.message_id AS answer_message_id
FROM (
    SELECT
        account_id, account, date, message_id, source AS number, destination AS answered_to,
        -- Less than those of the same moment: what went out then was no question.
        {'processed_at': processed_at, 'stream': '', 'message_id': 0::BIGINT} AS key
    FROM messages
    WHERE
        stream = 'sms' AND direction = 'IN'
        AND (since::DATE IS NULL OR date >= since::DATE) AND (until::DATE IS NULL OR date < until::DATE)
        -- A masked number stands for many.
        AND NOT contains(source_number, '***')
) AS i
ASOF JOIN (
    SELECT
        account_id, destination AS number, source AS sender,
        {'processed_at': processed_at, 'stream': stream, 'message_id': message_id} AS key
    FROM messages
    WHERE
        direction = 'OUT'
        AND (since::DATE IS NULL OR date >= (since::DATE - within::INTERVAL)::DATE)
        AND (until::DATE IS NULL OR date < until::DATE)
) AS o ON o.account_id = i.account_id AND o.number = i.number AND i.key > o.key
WHERE i.key.processed_at - o.key.processed_at <= within::INTERVAL;
