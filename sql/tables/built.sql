-- With which statements this database was made: where they differ, the next publish rebuilds it.
CREATE TABLE meta.built (fingerprint VARCHAR NOT NULL);
