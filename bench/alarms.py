"""``python -m bench.alarms``: a healthy run at the default rate; which alerts fired, and whether series grew.

With nothing wrong nothing should fire, and users, listings and sessions that come and go should leave no series.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.tell import tell
from bench.warm import warm_stack
from lab.clients.prometheus import Prometheus
from lab.place import Place
from lab.stack import Options

_WARM_UP_S = 120.0  # a start is no healthy run: caches fill and models are loaded
_EVERY_S = 15.0


def main() -> None:
    """Exits with 1 where an alert fired, or a service showed a tenth more series at the end than after warming up."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--port-offset", type=int, default=28_500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faultline-alarms-") as folder:
        place = Place(Place.from_environment({}).root, Path(folder), arguments.port_offset)
        with warm_stack(place, Options(), _WARM_UP_S) as http:
            report = _watch(Prometheus(place.url("prometheus"), http), arguments.minutes * 60)
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")
    grew = [name for name, (before, after) in report["series"].items() if after > 1.1 * before]
    sys.exit(1 if report["fired"] or grew else 0)


def _watch(prometheus: Prometheus, seconds: float) -> dict[str, dict[str, list[float]]]:
    tell(f"{seconds:g} s of the default traffic")
    before, began = _series(prometheus), time.time()
    fired: dict[str, list[float]] = {}
    while (elapsed := time.time() - began) < seconds:
        for sample in prometheus.query('ALERTS{alertstate="firing"}'):
            named = f"{sample.labels['alertname']} {sample.labels.get('set', '')}".strip()
            fired.setdefault(named, []).append(round(elapsed))
        time.sleep(_EVERY_S)
    after = _series(prometheus)
    return {"fired": fired, "series": {name: [before.get(name, 0.0), count] for name, count in after.items()}}


def _series(prometheus: Prometheus) -> dict[str, float]:
    """Series by service."""
    found = prometheus.query('scrape_samples_post_metric_relabeling{job="services"}')
    return {sample.labels["service_name"]: sample.value for sample in found}


if __name__ == "__main__":
    main()
