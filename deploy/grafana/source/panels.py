"""The few kinds of panel that the dashboards are made of.

Every panel says in its description which question it answers. One that shows nothing on a healthy system ends with
``EMPTY`` and the reason; the tests and `make verify` read that.
"""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import common, heatmap, logs, nodegraph, prometheus, stat, table, tempo, timeseries
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import loki as lokis
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.tempo import TempoQueryType

PROMETHEUS = models.DataSourceRef("prometheus", "prometheus")
TEMPO = models.DataSourceRef("tempo", "tempo")
LOKI = models.DataSourceRef("loki", "loki")
EMPTY = "May be empty: "
TAG = "faultline"

Query = tuple[str, str]  # PromQL, and the legend's template


def board(title: str, uid: str, description: str) -> dashboards.Dashboard:
    """A dashboard with links to the others, and marks where something was deployed or an alert fired."""
    link = dashboards.DashboardLink("Other dashboards").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    deployed = "sum by (service_name, kind) (deployment_timestamp_seconds > time() - 15)"
    return (
        dashboards.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .refresh("10s")
        .time("now-30m", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(link.as_dropdown(True).keep_time(True))
        .annotation(_Mark("Deployments", deployed, "{{service_name}} {{kind}}", "blue"))
        .annotation(_Mark("Alerts", 'ALERTS{alertstate="firing"}', "{{alertname}} {{service_name}}", "red"))
    )


class _Titled(models.AnnotationQuery):
    """The SDK's annotation, with the title that it leaves out."""

    title_format = ""

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "titleFormat": self.title_format, "step": "10s"}


class _Mark(Builder[models.AnnotationQuery]):
    def __init__(self, name: str, expr: str, title: str, colour: str) -> None:
        self._internal = _Titled(name=name, datasource=PROMETHEUS, icon_color=colour, expr=expr)
        self._internal.title_format = title

    def build(self) -> models.AnnotationQuery:
        return self._internal


def service_variable() -> dashboards.QueryVariable:
    return _variable("service", "Service", "label_values(service_ready, service_name)")


def model_variable() -> dashboards.QueryVariable:
    return _variable("model", "Model", "label_values(model_inference_duration_seconds_count, model_name)")


def _variable(name: str, label: str, query: str) -> dashboards.QueryVariable:
    return (
        dashboards.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def promql(query: Query, number: int, *, exemplars: bool = False, instant: bool = False) -> prometheus.Dataquery:
    """One query, named A, B, C … by its number."""
    expr, legend = query
    built = prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(expr).legend_format(legend).exemplar(exemplars)
    built = built.datasource(PROMETHEUS)
    return built.instant() if instant else built.range()


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "short",
    exemplars: bool = False,
    stacked: bool = False,
    least: float | None = 0,
    most: float | None = None,
    width: int = 12,
) -> timeseries.Panel:
    """Series over time. ``exemplars`` shows points that open a trace."""
    panel = (
        _placed(timeseries.Panel(), title, description, width)
        .unit(unit)
        .fill_opacity(20 if stacked else 5)
        .show_points(looks.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(looks.LegendDisplayMode.LIST)
            .placement(looks.LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    panel = panel if least is None else panel.min(least)
    panel = panel if most is None else panel.max(most)
    for number, query in enumerate(queries):
        panel = panel.with_target(promql(query, number, exemplars=exemplars and number == 0))
    return panel


def number(
    title: str, description: str, query: Query, *, unit: str, good: float, bad: float, decimals: int = 1
) -> stat.Panel:
    """One value of now, green at ``good`` and red at ``bad``, whichever of them is greater."""
    steps = (
        [("red", None), ("orange", bad), ("green", good)]
        if good > bad
        else [("green", None), ("orange", good), ("red", bad)]
    )
    thresholds = dashboards.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE)
    return (
        _placed(stat.Panel(), title, description, 4, height=4)
        .unit(unit)
        .decimals(decimals)
        .thresholds(thresholds.steps([models.Threshold(color=colour, value=value) for colour, value in steps]))
        .color_mode(looks.BigValueColorMode.BACKGROUND)
        .with_target(promql(query, 0))
    )


def distribution(title: str, description: str, expr: str, *, unit: str = "s", width: int = 12) -> heatmap.Panel:
    """A classic histogram's buckets over time, with the exemplars as points that open a trace."""
    query = promql((expr, "{{le}}"), 0, exemplars=True).format(PromQueryFormat.HEATMAP)
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return (
        _placed(heatmap.Panel(), title, description, width)
        .calculate(False)
        .color(colours)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .exemplars_color("rgba(31, 120, 193, 0.9)")
        .with_target(query)
    )


def rows(title: str, description: str, query: Query, *, width: int = 12) -> table.Panel:
    """The series of now as a table, labels as columns."""
    organise = models.DataTransformerConfig(
        id_val="organize", options={"excludeByName": {"Time": True, "__name__": True, "job": True, "instance": True}}
    )
    panel = _placed(table.Panel(), title, description, width)
    return panel.with_target(promql(query, 0, instant=True).format(PromQueryFormat.TABLE)).with_transformation(organise)


def traces(title: str, description: str, traceql: str, *, width: int = 24) -> table.Panel:
    """The newest traces that a TraceQL query finds; a trace id opens its waterfall."""
    query = tempo.TempoQuery().ref_id("A").query_type(TempoQueryType.TRACEQL).query(traceql).limit(20).datasource(TEMPO)
    return _placed(table.Panel(), title, description, width).datasource(TEMPO).with_target(query)


def graph(title: str, description: str) -> nodegraph.Panel:
    """Tempo's service graph, whose series are in Prometheus."""
    query = tempo.TempoQuery().ref_id("A").query_type(TempoQueryType.SERVICE_MAP).datasource(TEMPO)
    return _placed(nodegraph.Panel(), title, description, 24, height=14).datasource(TEMPO).with_target(query)


def log_lines(title: str, description: str, logql: str) -> logs.Panel:
    query = lokis.Dataquery().ref_id("A").expr(logql).max_lines(200).datasource(LOKI)
    panel = _placed(logs.Panel(), title, description, 24, height=10).datasource(LOKI)
    return panel.show_time(True).wrap_log_message(True).enable_log_details(True).with_target(query)


def _placed(panel: Any, title: str, description: str, width: int, height: int = 8) -> Any:
    return panel.title(title).description(description).span(width).height(height)


def section(drawn: dashboards.Dashboard, title: str, *panels: Builder[models.Panel]) -> dashboards.Dashboard:
    """The dashboard with one more row, and its panels in it."""
    drawn = drawn.with_row(dashboards.Row(title))
    for panel in panels:
        drawn = drawn.with_panel(panel)
    return drawn


def rate(metric: str, by: str = "", where: str = "") -> str:
    """``sum by (…) (rate(…))`` over the panel's own interval.

    >>> rate("gc_pause_seconds_sum", "generation", 'service_name="gateway"')
    'sum by (generation) (rate(gc_pause_seconds_sum{service_name="gateway"}[$__rate_interval]))'
    """
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{{{where}}}[$__rate_interval]))"


def mean(histogram: str, by: str = "", where: str = "") -> str:
    """A classic histogram's mean, by these labels."""
    return f"{rate(f'{histogram}_sum', by, where)} / {rate(f'{histogram}_count', by, where)}"


def quantile(q: float, histogram: str, by: str = "", where: str = "") -> str:
    """A classic histogram's quantile, by these labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q:g}, {rate(f'{histogram}_bucket', labels, where)})"
