"""``faultline prediction``: one prediction as it was kept, even after its trace has aged out."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated, Any

import typer
from redis import RedisError

from lab.cli.output import AsJson, console, print_json
from lab.faults.redis_admin import connect
from lab.place import LabError, Place

_ID = re.compile(r"[0-9a-f]{20}")


def prediction(
    prediction_id: Annotated[str, typer.Argument(help="As the answer, or an exemplar's trace, named it.")],
    as_json: AsJson = False,
) -> None:
    """Show a prediction's row: when, for which segment, by which versions, what it said, and its trace.

    The last 200 000 predictions are kept, longer than their traces.

    [dim]Example:[/dim]
      faultline prediction 019aafd3c1a27e5b90d2
    """
    row = read_row(Place.from_environment(), prediction_id)
    if as_json:
        print_json(row)
        return
    out = console()
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["predicted_at"]))
    versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
    said = "likely to convert" if row["likely"] else "not likely to convert"
    out.print(f"{when}   segment {row['segment']}   {versions}", highlight=False)
    out.print(f"{said} ({row['probability']:.1%})   price {row['price']:,.0f}", highlight=False)
    out.print(f"trace {row['trace_id']}", highlight=False)


def read_row(place: Place, prediction_id: str) -> dict[str, Any]:
    """The row as the orchestrator wrote it. Raises LabError where it is not kept, or Redis does not answer."""
    if not _ID.fullmatch(prediction_id):
        raise LabError(f"{prediction_id!r} is no prediction's id.", "An id is 20 hexadecimal digits.")
    try:
        with connect(place) as redis:
            text = redis.get(f"prediction:{prediction_id}")
    except RedisError as error:
        raise LabError(f"Redis does not answer: {error}", "`faultline status` shows what runs.") from error
    if text is None:
        raise LabError("No such prediction is kept.", "The last 200 000 are.")
    row: dict[str, Any] = json.loads(str(text))
    return row
