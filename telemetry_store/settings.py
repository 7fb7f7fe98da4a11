"""Settings of the store: name, default and one sentence each; the command line is made from them."""

import argparse
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


def _option(default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"help": sentence})


@dataclass(frozen=True)
class Settings:
    """Read once, at start, from the command line."""

    host: str = _option("127.0.0.1", "address both servers listen on")
    otlp_port: int = _option(4318, "port of the OTLP/HTTP receiver")
    http_port: int = _option(3200, "port of the query APIs and metrics")
    database: Path = _option(Path("telemetry.duckdb"), "the DuckDB file; it belongs to one process")  # noqa: RUF009
    retention_hours: float = _option(6.0, "data received longer ago than this is deleted")
    max_bytes: int = _option(2 * 1024**3, "the oldest data is deleted when the file holds more than this")
    memory_limit: str = _option("150MB", "DuckDB's memory limit")
    flush_seconds: float = _option(
        0.5, "what is acknowledged is written at most this much later, plus the write itself"
    )
    queue_items: int = _option(20_000, "spans and lines waiting to be written before the receiver answers 429")
    limits: Path = _option(  # noqa: RUF009
        Path("limits.json"), 'a file that may hold {"queue_items": n}, followed while the store runs'
    )
    body_bytes: int = _option(16 * 1024**2, "largest request body, before and after decompression")
    query_seconds: float = _option(10.0, "time limit of a query")
    query_threads: int = _option(2, "queries that run at once; others wait")
    niceness: int = _option(5, "scheduling niceness; queries get twice as much, so that they give way")


def parse_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from command line `arguments`; exits with a message where they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m telemetry_store", description="Traces and logs in one DuckDB file")
    for option in fields(Settings):
        parser.add_argument(
            "--" + option.name.replace("_", "-"),
            type=Path if isinstance(option.default, Path) else type(option.default),
            default=option.default,
            help=f"{option.metadata['help']} (default: %(default)s)",
        )
    return Settings(**vars(parser.parse_args(arguments)))
