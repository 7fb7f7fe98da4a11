"""`python -m telemetry_store`: see --help."""

from telemetry_store.journal import log_to_stdout
from telemetry_store.server import run
from telemetry_store.settings import parse_settings

if __name__ == "__main__":
    settings = parse_settings()
    log_to_stdout()
    run(settings)
