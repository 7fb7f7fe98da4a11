"""No model comes from a hub at run time: everything a service needs lies on this machine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from lab.place import Place
from lab.stack import Options
from lab.stack.programs import common_environment
from tests.contract.source import ROOT, calls, trees

# Every model of every version is loaded and asked once, in a process whose sockets refuse to connect.
SERVE_WITHOUT_A_NETWORK = """
import socket

def refuse(self, address):
    raise AssertionError(f"a connection to {address} was tried")

socket.socket.connect = refuse
from pathlib import Path
from PIL import Image
from services.cv_model.model import PhotoModel
from services.nlp_model.model import TextModel

for model, raw in ((TextModel, "A bright house."), (PhotoModel, Image.new("RGB", (64, 48)))):
    for version in ("v1", "v2"):
        each = model(Path("models") / model.name / version, version)
        each.load()
        (answer,) = each.predict([each.preprocess(raw)])
        assert 0 <= answer.score <= 1
print("served")
"""


def test_every_model_loads_and_answers_without_a_network() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE_WITHOUT_A_NETWORK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "served", done.stderr


def test_every_program_of_the_stack_is_told_to_stay_offline(tmp_path: Path) -> None:
    assert common_environment(Place(ROOT, tmp_path), Options())["HF_HUB_OFFLINE"] == "1"


def test_whatever_reads_pretrained_weights_reads_local_files_only() -> None:
    for path, tree in trees().items():
        for call in calls(tree, "from_pretrained"):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            local = given.get("local_files_only")
            assert isinstance(local, ast.Constant), path
            assert local.value is True, path


def test_no_pickle_is_read() -> None:
    for path, tree in trees("services", "chassis").items():
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not names & {"Unpickler"}, path
        for call in calls(tree, "load"):
            owner = call.func.value  # type: ignore[attr-defined]
            if isinstance(owner, ast.Name) and owner.id == "torch":
                assert {keyword.arg for keyword in call.keywords} >= {"weights_only"}, path
            assert not (isinstance(owner, ast.Name) and owner.id in ("pickle", "joblib")), path
