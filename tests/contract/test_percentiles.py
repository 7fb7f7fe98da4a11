"""docs/percentiles.md holds what its command prints."""

from __future__ import annotations

import re

import pytest

from bench.percentiles import Row, measure
from tests.contract.source import ROOT

PAGE = ROOT / "docs" / "percentiles.md"
CELL = re.compile(r"^\| (?P<shape>[^|]+) \| p(?P<percent>[\d.]+) \| (?P<truth>[\d.]+) \| (?P<classic>[\d.]+) \|"
                  r" [^|]+ \| (?P<native>[\d.]+) \|", re.MULTILINE)  # fmt: skip
# Prometheus 3 interpolates within a native bucket on a logarithmic scale, 2.42 on a linear one.
NATIVE_APART = 0.02


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return measure(20_000, seed=1)


def test_the_table_is_what_the_command_measures(rows: list[Row]) -> None:
    told = {(each["shape"], each["percent"]): each for each in CELL.finditer(PAGE.read_text())}
    assert len(told) == len(rows)
    for row in rows:
        line = told[row.shape, f"{100 * row.quantile:g}"]
        assert line["truth"] == f"{row.truth:.1f}"
        assert line["classic"] == f"{row.classic:.1f}"
        assert float(line["native"]) == pytest.approx(row.native, rel=NATIVE_APART)


def test_what_the_page_concludes_holds(rows: list[Row]) -> None:
    by_name = {(row.shape, row.quantile): row for row in rows}
    assert by_name["a slow hundredth", 0.999].classic_off > 0.5
    assert by_name["timeouts of 4 s", 0.999].classic == 2_500
    assert all(abs(row.native_off) < 0.05 for row in rows)
