"""From decoded OTLP messages to rows, written in batches by one thread."""
