-- What is proved of each account, stream and UTC day: the rows here, the API's own count, and whether they agree.
CREATE TABLE coverage (
    account_id  BIGINT NOT NULL,
    stream      VARCHAR NOT NULL,
    date        DATE NOT NULL,
    row_count   BIGINT NOT NULL,
    total_count BIGINT NOT NULL,
    verified    BOOLEAN NOT NULL,
    final       BOOLEAN NOT NULL,
    exported_at TIMESTAMP NOT NULL
);
