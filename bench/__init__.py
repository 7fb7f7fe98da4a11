"""Measurements of the whole system: start, memory, latency, processor time."""
