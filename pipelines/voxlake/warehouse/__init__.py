"""The DuckDB database, a projection of the lake."""
