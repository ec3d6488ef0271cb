"""Text of agents is parsed here, in jailed processes, and nowhere in the host.

A parser written in C that meets a text made against it can crash, or worse. So each agent has a
process of its own that reads its texts: it holds no secret and no descriptor but its channel, may
do nothing but compute, and ends when the text is too much for it. Only plain data comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.analysis._analyst import Analyst
    from onehop.analysis._blocking import BlockingAnalyst
    from onehop.analysis._link import AnalysisLostError
    from onehop.analysis._zygote_process import ZygoteProcess

__all__ = ["AnalysisLostError", "Analyst", "BlockingAnalyst", "ZygoteProcess", "begin"]

__getattr__ = late(
    {
        "onehop.analysis._analyst": "Analyst",
        "onehop.analysis._blocking": "BlockingAnalyst",
        "onehop.analysis._link": "AnalysisLostError",
        "onehop.analysis._zygote_process": "ZygoteProcess",
    }
)


def begin() -> ZygoteProcess:
    """Start early what an analyst needs, to be handed to it or ended. Raises
    SandboxUnavailableError."""
    from onehop.analysis._zygote_process import ZygoteProcess

    return ZygoteProcess()
