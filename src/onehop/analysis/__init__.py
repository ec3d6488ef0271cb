"""Text of agents is parsed here, in jailed processes, and nowhere in the host.

A parser written in C that meets a text made against it can crash, or worse. So each agent has a
process of its own that reads its texts: it holds no secret and no descriptor but its channel, may
do nothing but compute, and ends when the text is too much for it. Only plain data comes back.
"""

from onehop.analysis._analyst import Analyst
from onehop.analysis._blocking import BlockingAnalyst
from onehop.analysis._link import AnalysisLostError

__all__ = ["AnalysisLostError", "Analyst", "BlockingAnalyst"]
