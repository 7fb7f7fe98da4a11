"""An embedded store for traces and logs: OTLP in, Tempo's and Loki's query APIs out, one DuckDB file."""
