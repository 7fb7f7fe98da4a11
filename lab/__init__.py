"""The practice side: command line, local stack, traffic, and typed clients of the telemetry backends."""
