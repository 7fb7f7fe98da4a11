"""Find the root cause from telemetry alone: traces, log lines and series, whoever runs the system.

Nothing here knows what faults exist or how they are made; it sees what a person with a browser sees.
"""

from lab.diagnosis.collect import collect
from lab.diagnosis.engine import diagnose
from lab.diagnosis.finding import Diagnosis, Evidence, Finding
from lab.diagnosis.window import Period, Window

__all__ = ["Diagnosis", "Evidence", "Finding", "Period", "Window", "collect", "diagnose"]
