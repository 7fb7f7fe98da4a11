"""Threads of an inference: as many as the knob says, and gone when it says so."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: torch's first number of threads is the one that matters.
TURNED = """
import psutil, torch
from chassis.knobs import Knobs
from chassis.worker import Worker, register_threads

def threads():
    return psutil.Process().num_threads()

def compute():
    with torch.inference_mode():
        torch.nn.functional.gelu(torch.randn(512, 2048))

knobs = Knobs()
with Worker("inference") as worker:
    register_threads(knobs, worker, torch.set_num_threads)
    for number in (1, 16, 1):
        knobs.set("model.threads", number)
        worker.submit(compute).result()
        print(threads())
"""


def test_as_many_threads_as_the_knob_says_and_no_more_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", TURNED], capture_output=True, text=True, check=True, timeout=120)
    before, during, after = map(int, done.stdout.split())
    assert during >= before + 15
    assert after == before
