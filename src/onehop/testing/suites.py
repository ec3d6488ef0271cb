"""Tests that every Backend and every Store passes: subclass them in a test file.

    class TestMyStore(StoreSuite):
        @pytest.fixture
        async def store(self): ...

They are coroutines, so pytest-asyncio or anyio's plugin must be there. For plain messages when one
fails, ``pytest.register_assert_rewrite("onehop.testing")`` comes first in ``conftest.py``.
"""

from onehop.testing._backend_suite import BackendSuite
from onehop.testing._store_suite import StoreSuite, assert_one_chain

__all__ = ["BackendSuite", "StoreSuite", "assert_one_chain"]
