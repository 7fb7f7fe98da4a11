"""What goes wrong while every light is green, seen on a live stack: each scene is a claim, and what was found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from bench.counters import Counters, Leads, listed, two_proportions
from bench.tell import tell
from lab.cli.canary import set_share
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo
from lab.faults import asking, state
from lab.faults.asking import Ask
from lab.place import Place

BEFORE_S, SETTLE_S, SHOWN_S, LONGEST_S = 110.0, 20.0, 160.0, 260.0
LIVE_S = 600.0
POLL_S = 5.0
PSI_ALERT, PSI_QUIET = 0.25, 0.1
PREDICTIONS = ("price", "conversion_probability", "text_score", "photo_score")


@dataclass
class Found:
    """One scene's claim; rows of what was measured before and while it was on; whether each part of the claim holds."""

    scene: str
    claim: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    holds: dict[str, bool] = field(default_factory=dict)


@dataclass
class Desk:
    """A stack with traffic, and what looks at it."""

    place: Place
    http: httpx.Client

    def __post_init__(self) -> None:
        self.prometheus = Prometheus(self.place.url("prometheus"), self.http)
        self.tempo = Tempo(self.place.url("telemetry_store"), self.http)

    def grown(self, seconds: float) -> Counters:
        """What the counters grew by in the next ``seconds``."""
        before = Counters.read(self.place, self.http)
        time.sleep(seconds)
        return Counters.read(self.place, self.http).since(before)

    def firing(self) -> set[str]:
        found = self.prometheus.query('ALERTS{alertstate="firing", set="drill"}')
        return {sample.labels["alertname"] for sample in found}

    def psi(self) -> dict[str, float]:
        """By feature, the highest of its models and versions, over the drill set's three minutes."""
        scores: dict[str, float] = {}
        for sample in self.prometheus.query("feature:psi:drill"):
            feature = sample.labels["feature"]
            scores[feature] = max(scores.get(feature, 0.0), sample.value)
        return scores


@dataclass
class Shown:
    """What was seen while a fault was on: counters, the alerts that fired, PSI at the end, and the seconds it took."""

    grown: Counters
    fired: dict[str, float]
    psi: dict[str, float]
    span: tuple[float, float]


def under(desk: Desk, ask: Ask, alert: str = "") -> Shown:
    """Look while the fault is on: ``SHOWN_S`` at least, and longer until ``alert`` fires, within ``LONGEST_S``."""
    made = asking.order(desk.place, ask)
    try:
        state.wait_on(desk.place, made.key)
        on = time.time()
        time.sleep(SETTLE_S)  # labels of what was predicted before come first
        before, began, fired = Counters.read(desk.place, desk.http), time.time(), dict[str, float]()
        while (gone := time.time() - began) < SHOWN_S or (alert and alert not in fired and gone < LONGEST_S):
            for name in desk.firing():
                fired.setdefault(name, round(time.time() - on))
            time.sleep(POLL_S)
        grown = Counters.read(desk.place, desk.http).since(before)
        return Shown(grown, fired, desk.psi(), (began, time.time()))
    finally:
        asking.clear(desk.place, made.key)


def _service_level(found: Found, before: Counters, during: Counters) -> None:
    """Latency and errors of predictions, which are to stay as they were."""

    def told(grown: Counters) -> tuple[float, float, float, float]:
        name, where = "prediction_duration_seconds", {"service_name": "gateway"}
        answered, failed = grown.total("predictions_total"), grown.total("predictions_total", outcome="failed")
        p50, p99 = (1000 * grown.quantile(name, share, **where) for share in (0.5, 0.99))
        return answered, failed, p50, p99

    (n, failed, p50, p99), (m, failed_on, p50_on, p99_on) = told(before), told(during)
    found.rows += [
        ("predictions, failed", f"{n:.0f}, {failed:.0f}", f"{m:.0f}, {failed_on:.0f}"),
        ("latency p50, p99 (ms)", f"{p50:.0f}, {p99:.0f}", f"{p50_on:.0f}, {p99_on:.0f}"),
    ]
    found.holds["no prediction fails"] = failed_on == 0
    found.holds["median latency stays within a quarter"] = p50_on < 1.25 * p50


def _by_label(
    found: Found, before: Counters, during: Counters, label: str, values: tuple[str, ...], model: str
) -> None:
    for value in values:
        where = {"model_name": model, label: value}
        was, now = (str(Leads.of(grown, **where)) for grown in (before, during))
        found.rows.append((f"leads that convert, {value}", was, now))


def nlp_canary(desk: Desk) -> Found:
    """At a share of 50 % the bad version's leads convert less, and nothing else says so."""
    found = Found(
        "nlp-canary",
        "Half of the users are on v2 of the text model, which pools and lowers text the wrong way: latency and errors"
        " stay, precision of that version falls by 15 points or more, which is to say that fewer of its leads convert,"
        " and the version test says so; an exemplar of a wrong lead opens a trace of that version.",
    )
    set_share(desk.place, "nlp_model", 50)
    try:
        time.sleep(SETTLE_S)
        before = desk.grown(BEFORE_S)
        shown = under(desk, Ask("nlp-canary", seconds=LONGEST_S + 60), "ConversionFellWithVersion")
    finally:
        set_share(desk.place, "nlp_model", 20)
    _service_level(found, before, shown.grown)
    _by_label(found, before, shown.grown, "model_version", ("v1", "v2"), "nlp_model")
    v1, v2 = (Leads.of(shown.grown, model_name="nlp_model", model_version=version) for version in ("v1", "v2"))
    v1_was, v2_was = (Leads.of(before, model_name="nlp_model", model_version=version) for version in ("v1", "v2"))
    z_was, z = two_proportions(v2_was, v1_was), two_proportions(v2, v1)
    found.rows.append(("z of v2 against v1", f"{z_was:.1f}", f"{z:.1f}"))
    for version in ("v1", "v2"):
        found.rows.append((f"revenue a lead, {version}", _a_lead(before, version), _a_lead(shown.grown, version)))
    found.holds["v2's precision falls by 15 points or more"] = v2_was.share - v2.share >= 0.15
    found.holds["v1's does not fall (its interval still meets the one before)"] = v1.interval[1] >= v1_was.interval[0]
    found.holds["the version test says so (z below -3.3)"] = z < -3.3
    _alerts(found, shown, "ConversionFellWithVersion")
    _exemplar(found, desk, shown)
    return found


def _a_lead(grown: Counters, version: str) -> str:
    where = {"model_name": "nlp_model", "model_version": version}
    leads = Leads.of(grown, **where).count
    dollars = grown.total("conversion_revenue_dollars_total", **where, predicted="yes")
    return f"{dollars / leads:,.0f} dollars" if leads else "no leads"


def _exemplar(found: Found, desk: Desk, shown: Shown) -> None:
    """From the counter of wrong leads to a trace of the version that made them."""
    wrong = 'outcomes_joined_total{model_name="nlp_model",model_version="v2",predicted="yes",actual="no"}'
    examples = [each for each in desk.prometheus.exemplars(wrong, *shown.span) if each.trace_id]
    spans = desk.tempo.trace(examples[-1].trace_id) if examples else []
    versions = {
        str(span.attributes.get("ml.model.version")) for span in spans
        if span.service == "nlp_model" and span.name == "model_inference"
    }  # fmt: skip
    found.rows.append(
        ("an exemplar of v2's wrong leads opens", "", f"a trace of {len(spans)} spans, text model {listed(versions)}")
    )
    found.holds["the exemplar's trace is one of v2"] = versions == {"v2"}


def _alerts(found: Found, shown: Shown, *expected: str, never: tuple[str, ...] = ()) -> None:
    told = listed(f"{name} after {seconds:.0f} s" for name, seconds in shown.fired.items())
    found.rows.append(("alerts of the drill set", "", told))
    for name in expected:
        found.holds[f"{name} fires"] = name in shown.fired
    for name in never:
        found.holds[f"{name} does not"] = name not in shown.fired


def concept_drift(desk: Desk) -> Found:
    """One segment stops converting: no feature shows it, labels do."""
    found = Found(
        "concept-drift",
        "First-home buyers stop converting. Their features, and everything that is predicted, stay as they were (PSI"
        " quiet); precision falls in that segment alone.",
    )
    before, quiet = desk.grown(BEFORE_S), desk.psi()
    shown = under(desk, Ask("concept-drift", segment="first_home", seconds=LONGEST_S + 60), "SegmentGap")
    _by_label(
        found, before, shown.grown, "segment", ("first_home", "family", "investor", "downsizer"), "conversion_model"
    )
    others = [Leads.of(shown.grown, segment=each) for each in ("family", "investor", "downsizer")]
    found.rows.append(("highest PSI of any feature or prediction", _highest(quiet), _highest(shown.psi)))
    found.holds["precision in the segment falls below 60 %"] = Leads.of(shown.grown, segment="first_home").share < 0.6
    found.holds["the other segments' stays above 93 %, or its interval does"] = all(
        each.interval[1] > 0.93 for each in others
    )
    found.holds["PSI stays under 0.1"] = bool(shown.psi) and max(shown.psi.values()) < PSI_QUIET
    _alerts(found, shown, "SegmentGap", never=("FeatureDrift", "PredictionDrift"))
    return found


def label_delay(desk: Desk) -> Found:
    """Labels come late: what is known is fewer, not worse."""
    found = Found(
        "label-delay",
        "Outcomes arrive twenty times as late. The lag alert fires; the precision of what is labelled stays, and its"
        " alert is silent.",
    )
    before = desk.grown(BEFORE_S)
    shown = under(desk, Ask("label-delay", seconds=LONGEST_S + 60), "LabelsLate")
    for name, grown in (("before", before), ("during", shown.grown)):
        leads, days = Leads.of(grown), grown.quantile("label_lag_seconds", 0.5) / 86_400
        found.rows.append((f"{name}: median lag, leads that convert", f"{days:.1f} days", str(leads)))
    found.holds["half of the outcomes are more than two days late"] = (
        shown.grown.quantile("label_lag_seconds", 0.5) > 2 * 86_400
    )
    found.holds["precision stays (its interval reaches 95 %)"] = Leads.of(shown.grown).interval[1] >= 0.95
    _alerts(found, shown, "LabelsLate", never=("PrecisionLow",))
    return found


def unit_change(desk: Desk) -> Found:
    """A release serves one feature in other units."""
    found = Found(
        "unit-change",
        "A release of the feature definitions serves the living area in square feet: PSI of that one feature jumps at"
        " the release, the other features' stays.",
    )
    before, quiet = desk.grown(BEFORE_S), desk.psi()
    shown = under(desk, Ask("unit-change", seconds=LONGEST_S + 60), "FeatureDrift")
    features = {name: score for name, score in shown.psi.items() if name not in PREDICTIONS}
    over = {name for name, score in features.items() if score > PSI_ALERT}
    released = {"kind": "features"}
    found.rows += [
        ("PSI of area_m2", f"{quiet.get('area_m2', 0):.2f}", f"{shown.psi.get('area_m2', 0):.2f}"),
        ("highest PSI of the other features", _highest(quiet, "area_m2"), _highest(features, "area_m2")),
        ("PSI of price", f"{quiet.get('price', 0):.2f}", f"{shown.psi.get('price', 0):.2f}"),
        ("releases of feature definitions since the start", f"{before.total('deployments_total', **released):.0f}",
         f"{Counters.read(desk.place, desk.http).total('deployments_total', **released):.0f}"),
    ]  # fmt: skip
    found.holds["one feature is over 0.25, the area"] = over == {"area_m2"}
    found.holds["every other feature is under 0.1"] = all(
        score < PSI_QUIET for name, score in features.items() if name != "area_m2"
    )
    _alerts(found, shown, "FeatureDrift")
    return found


def _highest(scores: dict[str, float], leave_out: str = "") -> str:
    known = {name: score for name, score in scores.items() if name != leave_out}
    if not known:
        return "no score: too few rows"
    name = max(known, key=known.__getitem__)
    return f"{known[name]:.2f} ({name})"


def live_precision(desk: Desk) -> Found:
    """Ten minutes with nothing wrong: what the cards promise is what is seen."""
    found = Found(
        "live-precision",
        "After ten minutes of default traffic on a fast clock, the precision of each version's joined outcomes agrees"
        " with its card: the card's figure lies within the Wilson interval.",
    )
    grown = desk.grown(LIVE_S)
    versions = (("nlp_model", "v1"), ("nlp_model", "v2"), ("cv_model", "v1"), ("cv_model", "v2"))
    for model, version in (*versions, ("conversion_model", "v1")):
        card = json.loads((desk.place.root / "models" / model / version / "card.json").read_text())
        promised = float(card["metrics"]["conversion_precision"])
        leads = Leads.of(grown, model_name=model, model_version=version)
        low, high = leads.interval
        found.rows.append((f"{model} {version}: card, leads that convert", f"{promised:.1%}", str(leads)))
        found.holds[f"{model} {version}"] = low <= promised <= high
    return found


SCENES: dict[str, Callable[[Desk], Found]] = {
    "live-precision": live_precision,
    "nlp-canary": nlp_canary,
    "concept-drift": concept_drift,
    "label-delay": label_delay,
    "unit-change": unit_change,
}


def play(desk: Desk, scene: str) -> Found:
    tell(f"{scene}: {SCENES[scene].__doc__}")
    found = SCENES[scene](desk)
    for claim, holds in found.holds.items():
        tell(f"{'holds' if holds else 'FAILS'}: {claim}")
    return found
