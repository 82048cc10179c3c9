-- Every message of A2PGetSmsHistory, each once, in its latest known state, times are UTC.
CREATE TABLE a2p_sms_history (
    account_id         BIGINT NOT NULL,
    date               DATE NOT NULL,
    message_id         BIGINT NOT NULL,
    source_number      VARCHAR,
    destination_number VARCHAR,
    delivery_status    VARCHAR,
    fragments          INTEGER,
    cost               DECIMAL(18, 6),
    status_id          TINYINT,
    status             VARCHAR,
    error_message      VARCHAR,
    processed_at       TIMESTAMP NOT NULL,
    transaction_id     BIGINT,
    text               VARCHAR,
    extra              VARCHAR
);
