-- Which file of the lake each day was loaded from, so that the next publish loads only what differs.
CREATE TABLE meta.parts (
    account_id BIGINT NOT NULL,
    stream     VARCHAR NOT NULL,
    date       DATE NOT NULL,
    checksum   VARCHAR NOT NULL
);
