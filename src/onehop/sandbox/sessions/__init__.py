"""Sessions: calls of one agent that share variables, one after the other, in one worker."""

from onehop.sandbox.sessions._keeping import Keeping, MemoryKeeping, StoreKeeping
from onehop.sandbox.sessions._registry import Sessions

__all__ = ["Keeping", "MemoryKeeping", "Sessions", "StoreKeeping"]
