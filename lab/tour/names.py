"""What a window's telemetry and surroundings name: compared with a healthy run, they must not tell a fault."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable

import httpx
import psutil

from lab.clients.gateway import Ask
from lab.clients.telemetry import LogLine, Span
from lab.faults.redis_admin import connect
from lab.place import Place
from lab.stack import status
from lab.stack.run import processes_of, read_run
from lab.tour.reader import Reader
from marketplace.world import World
from services import topology

Names = dict[str, list[str]]
PREDICTIONS = 3  # some of a fault's requests fail and some do not
_FRAME = re.compile(r'File "([^"]+)", line')
_CLASS = re.compile(r"^(?:[\w.]+\.)?(\w+(?:Error|Exception|Timeout|Open|Unavailable|Failed|Exceeded))\b", re.MULTILINE)


def names(reader: Reader, traces: list[list[Span]], lines: list[LogLine]) -> Names:
    """By kind: attributes, spans, metrics, loggers, frames, errors, headers."""
    spans = [span for trace in traces for span in trace]
    stacks = [*_stacks(spans), *(line.body + str(line.labels.get("exception_stacktrace", "")) for line in lines)]
    return {
        "attributes": _sorted(key for span in spans for key in [*span.attributes, *span.resource]),
        "spans": _sorted(f"{span.service} {span.name}" for span in spans),
        "metrics": _metric_names(reader),
        "loggers": _sorted(line.labels.get("logger", "") for line in lines),
        "frames": _sorted(_short(path) for stack in stacks for path in _FRAME.findall(stack)),
        "errors": _sorted(name for stack in stacks for name in _CLASS.findall(stack)),
        "headers": _headers(reader),
    }


def told(reader: Reader, traces: list[list[Span]], lines: list[LogLine], words: Iterable[str]) -> list[str]:
    """Where one of the words stands, whole, in anything that a person may look at: ``word: where``."""
    wanted = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, words)) + r")(?![\w-])")
    found = set()
    for where, text in _texts(reader, traces, lines):
        found |= {f"{word}: {where}" for word in wanted.findall(text)}
    return sorted(found)


def _texts(reader: Reader, traces: list[list[Span]], lines: list[LogLine]) -> Iterable[tuple[str, str]]:
    for trace in traces:
        for span in trace:
            values = [
                span.name,
                span.status_message,
                dict(span.attributes),
                dict(span.resource),
                [dict(event.attributes) for event in span.events],
            ]
            yield f"span {span.service} {span.name}", json.dumps(values, default=str)
    for line in lines:
        yield f"log line of {line.service}", line.body + json.dumps(dict(line.labels))
    for service in topology.SERVICES:
        yield f"metrics of {service}", _page(reader, service)
    yield "answers", "\n".join(_answers(reader))
    yield "process titles", "\n".join(" ".join(titles) for titles in _titles(reader.place))
    yield "host and programs", "\n".join([socket.gethostname(), *(row.name for row in status(reader.place))])
    yield "Redis", _redis(reader.place)


def _stacks(spans: Iterable[Span]) -> Iterable[str]:
    for span in spans:
        for event in span.events:
            yield str(event.attributes.get("exception.stacktrace", ""))


def _metric_names(reader: Reader) -> list[str]:
    """What Prometheus scrapes of our own programs."""
    return _sorted(sample.labels["__name__"] for sample in reader.prom.query('group by (__name__) ({job="services"})'))


def _headers(reader: Reader) -> list[str]:
    """Names of a prediction's answer's headers and members."""
    response = _predict(reader)
    return _sorted([*map(str.lower, response.headers), *response.json()]) if response else []


def _predict(reader: Reader) -> httpx.Response | None:
    """One prediction's answer; None where the gateway is down, which is a fault's good right."""
    world = World()
    ask = Ask("U000001", "L000001", world.description("L000001"), world.photo("L000001"))
    form = {"user_id": ask.user_id, "listing_id": ask.listing_id, "description": ask.description}
    try:
        return reader.http.post(
            f"{reader.place.url('gateway')}/v1/predictions",
            data=form,
            timeout=5,
            files={"photo": ("photo.jpg", ask.photo, "image/jpeg")},
            headers={"x-api-key": reader.place.api_key("traffic")},
        )
    except httpx.HTTPError:
        return None


def _answers(reader: Reader) -> Iterable[str]:
    """Headers and bodies of what anybody may ask for: predictions, and each service's health."""
    found = [_predict(reader) for _ in range(PREDICTIONS)]
    for service in topology.SERVICES:
        try:
            found.append(reader.http.get(f"{reader.place.url(service)}/readyz", timeout=5))
        except httpx.HTTPError:
            continue  # the process is down
    for response in found:
        if response is not None:
            yield f"{dict(response.headers)} {response.text}"


def _page(reader: Reader, service: str) -> str:
    try:
        return reader.http.get(f"{reader.place.url(f'{service}_metrics')}/metrics", timeout=5).text
    except httpx.HTTPError:
        return ""  # the process is down


def _titles(place: Place) -> Iterable[list[str]]:
    run = read_run(place)
    for process in processes_of(run) if run else []:
        try:
            yield process.cmdline()
        except psutil.NoSuchProcess:
            continue  # it ended meanwhile


def _redis(place: Place) -> str:
    with connect(place) as redis:
        parts = [
            redis.execute_command(*command)
            for command in (("CLIENT", "LIST"), ("SLOWLOG", "GET", "64"), ("ACL", "LOG"))
        ]
    return "\n".join(map(str, parts))


def _short(path: str) -> str:
    """A frame's path from the package on, whatever machine it ran on."""
    return path.rpartition("site-packages/")[2] if "site-packages/" in path else "/".join(path.split("/")[-3:])


def _sorted(found: Iterable[str]) -> list[str]:
    return sorted({name for name in found if name})
