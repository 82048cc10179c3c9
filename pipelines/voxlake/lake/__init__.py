"""The Parquet lake: one file per UTC day, stream and account."""
