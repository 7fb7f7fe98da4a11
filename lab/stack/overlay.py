"""What one start in Kubernetes chooses, as a kustomize overlay in the run folder, over k8s/overlays/local."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from lab.place import Place
from lab.stack.options import Options
from lab.stack.prepared import write_rules

NAMESPACE = "marketplace"
_BASE = "k8s/overlays/local"


def write_overlay(place: Place, options: Options) -> Path:
    """The folder to apply: rules for this start's clock, and its traffic."""
    folder = place.run_dir / "k8s"
    write_rules(place, folder / "rules", options.time_scale)
    rules = [f"rules/{path.name}" for path in sorted((folder / "rules").iterdir())]
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        # kustomize takes no absolute paths; both ends without links, as it resolves them.
        "resources": [os.path.relpath((place.root / _BASE).resolve(), folder.resolve())],
        "configMapGenerator": [{"name": "prometheus-rules", "behavior": "replace", "files": rules}],
        "patches": [{"patch": yaml.safe_dump(each)} for each in _patches(options)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return folder


def _patches(options: Options) -> list[dict[str, Any]]:
    clock = [{"name": "FAULTLINE_TIME_SCALE", "value": f"{options.time_scale:g}"}]
    rate = f"{options.traffic_rate or 5:g}"
    arguments = ["lab.traffic", "--rate", rate, "--seed", str(options.seed), "--forever"]
    traffic = _deployment("traffic", {"name": "traffic", "args": arguments, "env": clock})
    traffic["spec"]["replicas"] = 0 if options.traffic_rate == 0 else 1
    team = (
        [{"name": "FAULTLINE_PLAYERS", "value": "/run/secrets/players"}] if os.environ.get("FAULTLINE_PLAYERS") else []
    )
    orchestrator = _deployment("orchestrator", {"name": "orchestrator", "env": clock})
    return [traffic, orchestrator, _deployment("lab", {"name": "lab", "env": clock + team})]


def _deployment(name: str, container: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"template": {"spec": {"containers": [container]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
