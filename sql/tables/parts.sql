-- Which file of the lake each day was loaded from, so that the next publish loads only what differs.
CREATE TABLE meta.parts (
    account_id BIGINT NOT NULL,  -- The Voximplant account.
    stream     VARCHAR NOT NULL, -- sms or a2p.
    date       DATE NOT NULL,    -- A UTC day.
    checksum   VARCHAR NOT NULL  -- The digest of the rows, as the file's footer has it.
);
