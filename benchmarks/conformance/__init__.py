"""Programs that others wrote, run in the sandbox and by a reference: ``python -m
benchmarks.conformance``."""
