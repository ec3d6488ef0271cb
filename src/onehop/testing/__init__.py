"""For tests of code that uses onehop, and of other backends and stores.

``FakeBackend`` stands in for Deno: ``Sandbox(backend=FakeBackend(...))``. ``onehop.testing.suites``
has the tests that every Backend and every Store passes; it needs pytest.
"""

from onehop.testing._fake import Answer, FakeBackend

__all__ = ["Answer", "FakeBackend"]
