"""The DuckDB file: schema, attribute columns, retention."""
