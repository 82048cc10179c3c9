-- Every message of GetSmsHistory, each once, in its latest known state, times are UTC.
CREATE TABLE sms_history (
    account_id          BIGINT NOT NULL,    -- The Voximplant account.
    date                DATE NOT NULL,      -- The UTC day of processed_at.
    message_id          BIGINT NOT NULL,    -- The vendor's number of the message, unique in this table for an account.
    source_number       VARCHAR,            -- Who sent it: a number as the API gives it, or an alphanumeric SenderID.
    destination_number  VARCHAR USING COMPRESSION fsst, -- Who it was sent to, as the API gives it.
    direction           VARCHAR,            -- IN or OUT.
    segments            INTEGER,            -- Segments that were billed.
    cost                DECIMAL(18, 6),     -- In the currency of the account.
    status_id           TINYINT,            -- The vendor's number of the status.
    status              VARCHAR,            -- success, error or waiting, else unknown.
    error_message       VARCHAR,            -- What the vendor says went wrong.
    processed_at        TIMESTAMP NOT NULL, -- When it was processed, in UTC, the only time that the API gives.
    transaction_id      BIGINT,             -- The vendor's number of the payment.
    text                VARCHAR,            -- What was written, where the account had storing on.
    extra               VARCHAR,            -- A JSON object of fields that voxlake does not know.
    destination_country VARCHAR,            -- ISO 3166 code of the country of destination_number, where it is an international number.
    segments_expected   INTEGER,            -- Segments that the stored text needs.
    normal_source       VARCHAR,            -- The normal form of source_number where that is written otherwise: see source.
    normal_destination  VARCHAR,            -- The same of destination_number: see destination.
    source              VARCHAR GENERATED ALWAYS AS (coalesce(normal_source, source_number)) VIRTUAL, -- Who sent it: digits with the country code however they were written, or a SenderID.
    destination         VARCHAR GENERATED ALWAYS AS (coalesce(normal_destination, destination_number)) VIRTUAL, -- Who it was sent to, in the same form.
    settled             BOOLEAN GENERATED ALWAYS AS (status <> 'waiting') VIRTUAL, -- Whether its status can no longer change, null where the API gave none.
    fragments           INTEGER GENERATED ALWAYS AS (segments) VIRTUAL -- Former name of segments, gone in 0.4.
);
