"""Before a run: the code repaired and examined, with one question to the agent's process.

Two questions, one for each, cost a millisecond more.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onehop.analysis import AnalysisLostError, Analyst
from onehop.corrections import CorrectedCode, read_corrected, unexamined
from onehop.types import Language

if TYPE_CHECKING:
    from onehop.config import CorrectionConfig
    from onehop.validation import Validator, Verdict

_REMEMBERED: Final = 1000
"""Programs that need no repair and were seen before."""


_Name = tuple[str, str, Language, bool]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The code as it is run, and the verdict on it when there is one already."""

    corrected: CorrectedCode
    verdict: Verdict | None = None


class Preparer:
    """Has code corrected as ``config`` says, and examined by the rules of ``validator``."""

    def __init__(self, validator: Validator, config: CorrectionConfig) -> None:
        self._validator = validator
        self._config = config
        self._fine: OrderedDict[_Name, str | None] = OrderedDict()
        """By agent, hash and language: what is missing in programs that need no repair."""

    async def prepare(
        self,
        analyst: Analyst,
        agent_id: str,
        code: str,
        digest: str,
        language: Language,
        *,
        keeps: bool = False,
    ) -> Prepared:
        """``digest`` is the code's hash; ``keeps``: later calls see what it declares. What is too
        much for the process stays as it is. Raises SandboxUnavailableError."""
        if not self._config.enabled:
            return Prepared(CorrectedCode(code, []))
        name = agent_id, digest, language, keeps
        if name in self._fine and self._validator.has_judged(agent_id, code, language):
            self._fine.move_to_end(name)
            return Prepared(CorrectedCode(code, [], missing=self._fine[name]))
        prepared = await self._ask(analyst, agent_id, code, language, keeps)
        if not prepared.corrected.changes:
            self._remember(name, prepared.corrected.missing)
        return prepared

    async def _ask(
        self, analyst: Analyst, agent_id: str, code: str, language: Language, keeps: bool
    ) -> Prepared:
        rules = self._validator.named_rules
        arguments = {
            "code": code,
            "language": language,
            "config": self._config.model_dump(),
            "terms": self._validator.terms,
            "keeps": keeps,
        }
        try:
            answer = await analyst.ask(agent_id, "prepare", arguments, rules)
            return await self._read(answer, code, language)
        except (AnalysisLostError, ValueError, KeyError, TypeError):
            return Prepared(unexamined(code))

    async def _read(self, answer: Any, code: str, language: Language) -> Prepared:
        corrected, verdict = answer
        repaired = read_corrected(code, corrected)
        return Prepared(repaired, await self._validator.read(verdict, repaired.code, language))

    def _remember(self, name: _Name, missing: str | None) -> None:
        self._fine[name] = missing
        while len(self._fine) > _REMEMBERED:
            self._fine.popitem(last=False)
