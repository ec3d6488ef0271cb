"""Benchmarks of onehop beside its rivals: ``python -m benchmarks`` or ``scripts/bench``."""
