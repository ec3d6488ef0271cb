"""What is kept of each run, and the proof that nobody changed it."""

from onehop.audit._chain import AuditReport, Problem, verify

__all__ = ["AuditReport", "Problem", "verify"]
