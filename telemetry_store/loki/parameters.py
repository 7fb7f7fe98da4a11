"""Query parameters of Loki's API, with its error texts."""

import re
import time
from datetime import datetime

from starlette.requests import Request

from telemetry_store.durations import duration_ns
from telemetry_store.errors import QueryError

DEFAULT_LIMIT, MOST_LINES = 100, 5000
HOUR = 3_600_000_000_000
_DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w|y))+")


def limit(request: Request) -> int:
    """The most lines wanted; raises QueryError past 5000."""
    text = request.query_params.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise QueryError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    if int(text) <= 0:
        raise QueryError("limit must be a positive value")
    if int(text) > MOST_LINES:
        reason = f"limit > max_entries_limit_per_query ({int(text)} > {MOST_LINES})"
        raise QueryError(f"max entries limit per query exceeded, {reason}")
    return int(text)


def is_forward(request: Request) -> bool:
    """Whether the oldest lines come first."""
    text = request.query_params.get("direction", "") or "backward"
    if text.lower() not in {"forward", "backward"}:
        raise QueryError(f"invalid direction '{text}'")
    return text.lower() == "forward"


def moment(text: str) -> int:
    """Nanoseconds of a time in nanoseconds, in (fractional) seconds, or in RFC 3339."""
    if re.fullmatch(r"-?\d{1,19}", text):
        number = int(text)
        return min(number if len(text.lstrip("-")) > 10 else number * 10**9, 2**63 - 1)
    if re.fullmatch(r"-?\d{1,12}\.\d*", text):
        return int(float(text) * 1e9)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1e9)
    except (ValueError, OverflowError) as error:
        raise QueryError(f'cannot parse "{text}" to a valid timestamp') from error


def span_of_time(request: Request) -> tuple[int, int]:
    """(start, end) in nanoseconds; the last hour where nothing is given."""
    now = time.time_ns()
    given = request.query_params
    end = moment(given["end"]) if given.get("end") else now
    since = duration(given["since"]) if given.get("since") else HOUR
    start = moment(given["start"]) if given.get("start") else min(now, end) - since
    if end < start:
        raise QueryError("end timestamp must not be before or equal to start time")
    return start, end


def duration(text: str) -> int:
    """Nanoseconds of a duration or of a plain number of seconds."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return int(float(text) * 1e9)
    if not _DURATION.fullmatch(text):
        raise QueryError(f'cannot parse "{text}" to a valid duration')
    return duration_ns(text)


def step(request: Request, start: int, end: int) -> int:
    """The step in nanoseconds; by default a 250th of the time asked for, in whole seconds."""
    text = request.query_params.get("step", "")
    if not text:
        return max(1, (end - start) // 250 // 10**9) * 10**9
    found = duration(text)
    if found <= 0:
        raise QueryError("zero or negative query resolution step widths are not accepted. Try a positive integer")
    return found
