"""The receiving side: OTLP over HTTP, protobuf and JSON."""
