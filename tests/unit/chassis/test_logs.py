"""One line an event, everything in it, and every road that leads there."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import loguru
import pytest

from chassis import semconv
from chassis.capture import Capture
from chassis.clock import Clock
from chassis.context import REQUEST_ID
from chassis.logs import LONGEST_MESSAGE, LONGEST_STACK, Event, Logs
from chassis.telemetry import Telemetry


class Lines:
    """A log whose lines and exported events can be read."""

    def __init__(self, level: str = "INFO") -> None:
        self.raw: list[bytes] = []
        self.exported: list[Event] = []
        self.logs = Logs("nlp_model", Clock(), level, export=self.exported.append, write=self.raw.append)

    def __getitem__(self, index: int) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.raw[index])
        return line


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def captured(lines: Lines) -> Iterator[Lines]:
    capture = Capture(lines.logs)
    capture.start()
    yield lines
    capture.stop()


def test_a_line_has_every_declared_field(telemetry: Telemetry, lines: Lines) -> None:
    token = REQUEST_ID.set("request-1")
    with telemetry.span("postprocess"):
        bound = lines.logs.log.bind(model_name="nlp_model", model_version="v1", prediction=0.25)
        bound.info("scored {} texts", 3, tokens=12)
        trace_id = telemetry.trace_id()
    REQUEST_ID.reset(token)
    assert set(lines[0]) == {*semconv.LOG_FIELDS, "tokens"}
    assert lines[0]["message"] == "scored 3 texts"
    assert lines[0]["service"] == "nlp_model"
    assert lines[0]["trace_id"] == trace_id
    assert lines[0]["request_id"] == "request-1"
    assert (lines[0]["prediction"], lines[0]["tokens"]) == (0.25, 12)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[0]["timestamp"])
    assert lines.raw[0].count(b"\n") == 1


def test_outside_a_trace_there_are_no_ids(lines: Lines) -> None:
    lines.logs.log.info("started")
    assert set(lines[0]) == {"timestamp", "level", "message", "service", "logger"}


def test_an_exception_is_logged_with_type_message_and_stack(lines: Lines) -> None:
    secret = "a description nobody may read"
    try:
        raise KeyError("area")
    except KeyError:
        lines.logs.log.exception("no feature")
    assert lines[0]["exception_type"] == "KeyError"
    assert "raise KeyError" in lines[0]["exception_stacktrace"]
    # Loguru's diagnose would show the values of local variables.
    assert secret not in lines.raw[0].decode()


def test_levels_below_the_settings_are_not_logged(lines: Lines) -> None:
    lines.logs.log.debug("too fine")
    lines.logs.emit("DEBUG", "x", "too fine")
    assert lines.raw == lines.exported == []


def test_long_texts_are_cut(lines: Lines) -> None:
    lines.logs.log.info("x" * 100_000)
    assert len(lines[0]["message"]) == LONGEST_MESSAGE

    def deep(level: int) -> None:
        if not level:
            raise ValueError("at the very bottom " + "y" * 100_000)
        deep(level - 1)

    try:
        deep(50)
    except ValueError:
        lines.logs.log.exception("deep")
    assert len(lines[1]["exception_stacktrace"]) == LONGEST_STACK
    assert len(lines[1]["exception_message"]) == LONGEST_MESSAGE


@pytest.mark.parametrize("odd", ["half \ud83d a pair", 2**80, {"a": object()}, b"bytes", float("nan"), {1, 2}])
def test_no_value_can_break_a_line(lines: Lines, odd: object) -> None:
    lines.logs.log.bind(odd=odd).info("odd")
    assert lines[0]["message"] == "odd"


def test_lines_can_be_kept_from_the_export(lines: Lines) -> None:
    lines.logs.emit("WARNING", "export", "collector is away", export=False)
    assert lines[0]["message"] == "collector is away"
    assert lines.exported == []


@pytest.mark.parametrize(
    ("which", "info", "error"), [("all", True, True), ("below_error", True, False), ("none", False, False)]
)
def test_which_lines_carry_ids_is_a_knob(telemetry: Telemetry, which: str, info: bool, error: bool) -> None:
    written: list[bytes] = []
    telemetry.logs._write = written.append
    telemetry.knobs.set("logs.correlate", which)
    with telemetry.span("work"):
        telemetry.log.info("fine")
        telemetry.log.error("broken")
    assert ["trace_id" in json.loads(line) for line in written] == [info, error]


def test_a_closed_stdout_fails_no_request(lines: Lines) -> None:
    stream = io.BytesIO()
    lines.logs._write = stream.write
    stream.close()
    lines.logs.log.info("first")
    lines.logs.log.info("second")
    messages = [event.message for event in lines.exported]
    assert messages == ["stdout takes no more lines: I/O operation on closed file.", "first", "second"]


def test_two_services_in_one_process_do_not_mix(lines: Lines) -> None:
    other = Lines()
    lines.logs.log.info("mine")
    other.logs.log.info("theirs")
    assert [len(lines.raw), len(other.raw)] == [1, 1]


def test_the_standard_library_goes_the_same_way(telemetry: Telemetry, captured: Lines) -> None:
    with telemetry.span("work"):
        logging.getLogger("uvicorn.error").info("listening on %s", "port")
    assert captured[0]["message"] == "listening on port"
    assert captured[0]["logger"] == "uvicorn.error"
    assert "trace_id" in captured[0]
    try:
        raise OSError("gone")
    except OSError:
        logging.getLogger("library").exception("failed")
    assert (captured[1]["level"], captured[1]["exception_type"]) == ("ERROR", "OSError")


def test_arguments_that_do_not_fit_are_said_so(captured: Lines) -> None:
    record = logging.makeLogRecord({"name": "library", "levelno": 30, "msg": "%d items", "args": ("many",)})
    Capture(captured.logs).handler.handle(record)
    assert "arguments do not fit" in captured[0]["message"]


def test_a_request_of_httpx_is_no_line(captured: Lines) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET ...")
    logging.getLogger("uvicorn.access").info("GET /")
    assert captured.raw == []


def test_what_the_export_says_is_not_exported(captured: Lines) -> None:
    logging.getLogger("opentelemetry.sdk.metrics").warning("collection timed out")
    assert len(captured.raw) == 1
    assert captured.exported == []


def test_warnings_go_the_same_way(captured: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = logging._showwarning  # type: ignore[attr-defined]  # pytest has put its own in place
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: soon gone" in captured[0]["message"]


def test_uncaught_exceptions_go_the_same_way(captured: Lines) -> None:
    def fail() -> None:
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join(5)
    assert captured[0]["message"] == "uncaught RuntimeError in thread worker"
    error = ValueError("at the top")
    sys.excepthook(ValueError, error, None)
    assert (captured[1]["level"], captured[1]["exception_message"]) == ("CRITICAL", "at the top")


def test_a_tasks_lost_exception_goes_the_same_way(telemetry: Telemetry) -> None:
    written: list[bytes] = []
    telemetry.logs._write = written.append

    async def lose() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(telemetry.loop_exception)
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(lose())
    assert json.loads(written[0])["exception_type"] == "ZeroDivisionError"


def test_a_librarys_own_handlers_are_adopted(captured: Lines) -> None:
    library = logging.getLogger("library_with_handlers")
    stream = io.StringIO()
    library.addHandler(logging.StreamHandler(stream))
    library.propagate = False
    library.warning("before")
    Capture(captured.logs).adopt()
    library.warning("after")
    assert "after" not in stream.getvalue()
    assert [captured[0]["message"], len(captured.raw)] == ["after", 1]


def test_capture_puts_everything_back(lines: Lines) -> None:
    before = (sys.excepthook, threading.excepthook, logging.getLogger().handlers[:], warnings.showwarning)
    capture = Capture(lines.logs)
    capture.start()
    assert sys.excepthook != before[0]
    capture.stop()
    capture.stop()
    assert (sys.excepthook, threading.excepthook, logging.getLogger().handlers, warnings.showwarning) == before


def test_the_global_logger_is_silent(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    loguru.logger.info("from a stray import")
    assert capsys.readouterr().err == ""
