"""``python -m deploy.grafana.build`` writes dashboards/*.json; a test runs it and fails where they differ."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.source import drift, model_quality, overview, request_journey, service, telemetry_health

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = (
    overview.dashboard,
    service.dashboard,
    model_quality.dashboard,
    drift.dashboard,
    request_journey.dashboard,
    telemetry_health.dashboard,
)


def written() -> dict[str, str]:
    """Every dashboard's JSON by its file name, which is its uid."""
    return dict(_encoded(build()) for build in DASHBOARDS)


def _encoded(builder: Dashboard) -> tuple[str, str]:
    built = builder.build()
    return f"{built.uid}.json", JSONEncoder(sort_keys=True, indent=1).encode(built) + "\n"


def main() -> None:
    for name, text in written().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
