-- Which days each file of meta.files holds.
CREATE TABLE meta.file_days (
    file       VARCHAR NOT NULL, -- The name of the file.
    stream     VARCHAR NOT NULL, -- sms or a2p.
    account_id BIGINT NOT NULL,  -- The Voximplant account.
    date       DATE NOT NULL,    -- A UTC day.
    row_count  BIGINT NOT NULL,  -- Its rows.
    replaced   BOOLEAN NOT NULL  -- Whether the day is in another file by now, or gone, so that these rows are not read.
);
