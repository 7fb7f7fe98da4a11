"""``faultline score`` rates anybody's answers on recorded cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.campaign.cases import Recorded
from lab.cli import build_app
from lab.place import LabError


def scored(case: Recorded, *lines: str) -> Result:
    answers = case.folder.parent.parent / "answers.jsonl"
    answers.write_text("\n".join(lines))
    return CliRunner().invoke(build_app(), ["score", str(answers), "--folder", str(case.folder.parent), "--json"])


def test_answers_are_rated_by_grain(case: Recorded) -> None:
    said = {"case": case.case.id, "ranking": [["feature_store", "", "memory"], ["feature_store", "Redis", "no"]]}
    told = json.loads(scored(case, json.dumps(said)).output)

    mine = {row["right_about"]: row["ac1"]["value"] for row in told["answers"] if row["answers"] == "yours"}
    assert mine == {"service": 1.0, "service, operation": 0.0, "service, operation, kind": 0.0}
    assert {row["answers"] for row in told["answers"]} == {
        "yours", "three sigma and keywords", "most abnormal service", "random",
    }  # fmt: skip
    assert told["false_alarms"]["cases"] == 0


@pytest.mark.parametrize("line", ["[1]", '{"case": 1}', "{", '{"case": "none such", "ranking": []}'])
def test_what_is_no_answer_is_told(case: Recorded, line: str, tmp_path: Path) -> None:
    assert isinstance(scored(case, line).exception, LabError)


def test_a_folder_without_cases_is_told(case: Recorded, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text("")
    for words in (["score", str(answers)], ["export", str(tmp_path / "out")], ["replay"]):
        error = CliRunner().invoke(build_app(), [*words, "--folder", str(tmp_path / "nowhere")]).exception
        assert isinstance(error, LabError)
        assert "no cases" in str(error)


def test_a_target_that_cannot_be_written_is_told(case: Recorded, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ["export", str(tmp_path / "file" / "out"), "--folder", str(case.folder.parent)]
    error = CliRunner().invoke(build_app(), words).exception
    assert isinstance(error, LabError)
    assert "cannot be written" in str(error)
