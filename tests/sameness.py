"""Whether this is the default run of the tests, which tries the same each time.

Benchmarks start servers as the tests do, in an environment without pytest and Hypothesis.
"""

from __future__ import annotations

import sys


def same_each_time() -> bool:
    """Whether this is the default run, and not ``--soak`` or a benchmark."""
    hypothesis = sys.modules.get("hypothesis")
    default = hypothesis.settings.default if hypothesis else None
    return default is not None and bool(default.derandomize)
