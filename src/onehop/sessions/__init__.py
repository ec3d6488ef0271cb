"""Sessions: calls of one agent that share variables, one after the other, in one worker."""

from onehop.sessions._keeping import Keeping, MemoryKeeping, StoreKeeping
from onehop.sessions._registry import Sessions

__all__ = ["Keeping", "MemoryKeeping", "Sessions", "StoreKeeping"]
