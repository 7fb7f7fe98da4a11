"""Whether a running stack shows what it should, asked by its APIs alone, in any mode.

Each check says pass or fail and, where it failed, the next step.
"""

from lab.verify.checks import verify
from lab.verify.stack import Finding, Stack

__all__ = ["Finding", "Stack", "verify"]
