"""``python -m services NAME`` runs one of the five services."""

from __future__ import annotations

import argparse
from importlib import import_module

from chassis.service import serve
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.topology import SERVICES


def main() -> None:
    """The composition root: settings read, telemetry made, the service built, and run until told to end."""
    parser = argparse.ArgumentParser(prog="python -m services", description="Run one of Faultline's services.")
    parser.add_argument("name", choices=sorted(SERVICES), help="which service to run")
    service = SERVICES[parser.parse_args().name]
    settings = Settings()
    offset = settings.port_offset
    telemetry = Telemetry(service.name, settings, port=service.port + offset)
    app = import_module(f"services.{service.name}.app").build_app(settings, telemetry)
    serve(
        app,
        telemetry,
        port=service.port + offset,
        metrics_port=service.metrics_port + offset,
        control_port=service.control_port + offset,
    )


if __name__ == "__main__":
    main()
