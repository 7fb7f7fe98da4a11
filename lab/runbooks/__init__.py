"""Runbooks that run: docs/runbooks/ALERT.md read, rendered and executed.

`names` and `load` read them; `Runbook.as_json` is what a page shows; `run_step` asks one step's query of the running
system, or of a recording whose backends still hold the data; `run` asks all and points to a row of the decision table.
"""

from lab.runbooks.firing import labels_of
from lab.runbooks.library import kind_page, kinds, load, names
from lab.runbooks.model import Runbook
from lab.runbooks.run import run, run_step
from lab.runbooks.sources import Sources

__all__ = ["Runbook", "Sources", "kind_page", "kinds", "labels_of", "load", "names", "run", "run_step"]
