"""Query parameters of Tempo's API, with its error texts."""

import re
import time

from starlette.requests import Request

from telemetry_store.durations import duration_ns
from telemetry_store.errors import QueryError
from telemetry_store.traceql import ast
from telemetry_store.traceql.candidates import Window
from telemetry_store.traceql.parse import parse

DEFAULT_LIMIT, DEFAULT_SPANS = 20, 3
MOST_TRACES, MOST_SPANS = 10_000, 10_000
_DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+")


def whole_number(request: Request, name: str, default: int, most: int) -> int:
    """A non-negative integer parameter, at most `most`; raises QueryError in Go's words."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise QueryError(f'invalid {name}: strconv.ParseUint: parsing "{text}": invalid syntax')
    if len(text) > 18:
        raise QueryError(f'invalid {name}: strconv.ParseUint: parsing "{text}": value out of range')
    return min(int(text), most)


def positive(request: Request, name: str, default: int, most: int) -> int:
    """As whole_number, and not zero."""
    number = whole_number(request, name, default, most)
    if number == 0:
        raise QueryError(f"invalid {name}: must be a positive number")
    return number


def moment_ns(request: Request, name: str) -> int | None:
    """A time given in seconds (10 digits), or in milli-, micro- or nanoseconds, as nanoseconds."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        number = float(text) if "." in text else int(text)
    except ValueError as error:
        raise QueryError(f'invalid {name}: strconv.ParseInt: parsing "{text}": invalid syntax') from error
    if not 0 <= number < 2**63:
        raise QueryError(f"invalid {name}: out of range")
    scale = next(factor for most, factor in ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (2e19, 1)) if number < most)
    return min(int(number * scale), 2**63 - 1)


def window(request: Request) -> Window:
    """start and end, each open where it is not given."""
    start, end = moment_ns(request, "start"), moment_ns(request, "end")
    if start is not None and end is not None and end <= start:
        raise QueryError(f"http parameter start must be before end. received start={start} end={end}")
    # Whole seconds: what lies within the last one counts.
    return Window(start or 0, 2**63 - 1 if end is None else end + 999_999_999)


def duration(request: Request, name: str, default: int | None) -> int | None:
    """A Go duration, or a plain number of seconds, in nanoseconds."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if _DURATION.fullmatch(text):
        return duration_ns(text)
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return int(float(text) * 1e9)
    raise QueryError(f'invalid {name}: time: invalid duration "{text}"')


def search_query(request: Request) -> tuple[ast.TraceQuery, bool]:
    """(query, whether spansets are shown): `q`, or the older tags, minDuration and maxDuration."""
    if text := request.query_params.get("q", ""):
        return parse(text), True
    parts: list[ast.Spansets] = [ast.Filter(_tag_condition(*pair)) for pair in _tags(request)]
    if bounds := _duration_bounds(request):
        parts.append(ast.Filter(bounds))
    source: ast.Spansets = parts[0] if parts else ast.Filter(None)
    for part in parts[1:]:
        source = ast.Combined("&&", source, part)
    return ast.TraceQuery(ast.Pipeline(source)), False


def _tags(request: Request) -> list[tuple[str, str]]:
    """The pairs of `tags`, in logfmt, where values with spaces are quoted."""
    text = request.query_params.get("tags", "")
    pairs = re.findall(r'([^\s="]+)=("(?:\\.|[^"\\])*"|[^\s"]*)', text)
    if re.sub(r'[^\s="]+=("(?:\\.|[^"\\])*"|[^\s"]*)', "", text).strip():
        raise QueryError(f"invalid tags: {text!r} is not logfmt")
    return [(key, re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value) for key, value in pairs]


def _tag_condition(key: str, value: str) -> ast.Expression:
    """The tag as a string, and as a number or boolean where it reads as one."""
    intrinsic = {"name": "span:name", "root.name": "trace:rootName", "root.service.name": "trace:rootService"}
    field: ast.Field = ast.Intrinsic(intrinsic[key], key) if key in intrinsic else ast.Attribute("", key)
    if key == "error" and value == "true":
        return ast.Binary("=", ast.Intrinsic("span:status", "status"), ast.Literal_("status", 2, "error"))
    condition = ast.Binary("=", field, ast.Literal_("string", value, value))
    if isinstance(field, ast.Attribute) and (other := _typed(value)):
        return ast.Binary("||", condition, ast.Binary("=", field, other))
    return condition


def _typed(value: str) -> ast.Literal_ | None:
    if value in ("true", "false"):
        return ast.Literal_("boolean", value == "true", value)
    if re.fullmatch(r"-?\d{1,18}(\.\d+)?", value):
        return ast.Literal_("float", float(value), value) if "." in value else ast.Literal_("int", int(value), value)
    return None


def _duration_bounds(request: Request) -> ast.Expression | None:
    """minDuration and maxDuration, which are the trace's."""
    found: list[ast.Expression] = []
    for name, op in (("minDuration", ">="), ("maxDuration", "<=")):
        if (bound := duration(request, name, None)) is not None:
            trace_duration = ast.Intrinsic("trace:duration", "traceDuration")
            found.append(ast.Binary(op, trace_duration, ast.Literal_("duration", bound, f"{bound}ns")))
    return found[0] if len(found) == 1 else (ast.Binary("&&", found[0], found[1]) if found else None)


def now_ns() -> int:
    """The time."""
    return time.time_ns()
