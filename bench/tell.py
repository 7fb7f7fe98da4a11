"""Progress goes to standard error, so that the result alone stands on standard output."""

from __future__ import annotations

import sys
import time


def tell(text: str) -> None:
    print(f"[bench {time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
