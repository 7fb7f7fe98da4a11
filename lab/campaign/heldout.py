"""What was never looked at while the diagnosis engine was developed; drawn by seed, see docs/diagnosis.md."""

from __future__ import annotations

from lab.campaign.plan import Case

KINDS = frozenset(
    {
        "access denied", "blocked dependency", "broken correlation", "connection handling", "data drift",
        "network latency", "network loss", "telemetry loss",
    }
)  # fmt: skip
CELLS = frozenset(
    {
        ("batch-wait", "nlp_model"), ("cold-model", "nlp_model"), ("connection-churn", "nlp_model"),
        ("crash-loop", "feature_store"), ("crash-loop", "orchestrator"), ("far-hop", "nlp_model"),
        ("gc-pauses", "nlp_model"), ("global-lock", "nlp_model"), ("pool-of-one", "feature_store"),
        ("retry-storm", "nlp_model"),
    }
)  # fmt: skip


def is_held_out(case: Case, kind: str, place: str = "") -> bool:
    """Whether a case is of a kind, or a fault at a place, that was held out."""
    return kind in KINDS or (case.fault, place or case.at) in CELLS
