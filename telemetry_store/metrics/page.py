"""GET /metrics and GET /metrics/native."""

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.openmetrics import exposition as openmetrics
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from telemetry_store.metrics.native import CONTENT_TYPE, NativeHistograms


class MetricsPage:
    """What Prometheus scrapes."""

    def __init__(self, registry: CollectorRegistry, native: NativeHistograms) -> None:
        self._registry, self._native = registry, native

    def routes(self) -> list[Route]:
        """Both pages' routes; answered in a thread, off the event loop."""
        return [Route("/metrics", self.metrics), Route("/metrics/native", self.native)]

    def metrics(self, request: Request) -> Response:
        """OpenMetrics, with exemplars, where asked for; else Prometheus's text format."""
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            text = openmetrics.generate_latest(self._registry)
            return Response(text, headers={"content-type": openmetrics.CONTENT_TYPE_LATEST})
        text = exposition.generate_latest(self._registry)
        return Response(text, headers={"content-type": exposition.CONTENT_TYPE_LATEST})

    def native(self, _request: Request) -> Response:
        """Exponential histograms as delimited protobuf, whatever is asked for: no text format can hold them."""
        return Response(self._native.expose(), headers={"content-type": CONTENT_TYPE})
