"""A snippet in the place of a tool: its input is checked, and its answer is the code to run.

The code runs in the worker that has asked for it, with what that run is granted. The call itself
changes nothing, and each call of a tool that the code then makes is one of the run's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn

from onehop.tools import Bound, Threads, Tool, ToolContext, ToolError

if TYPE_CHECKING:
    from onehop.runs.saved import Snippet
    from onehop.sandbox.snippets._shelf import Compile

SPACE: Final = "$snippets"
"""The namespace of snippets; no tool's begins with a dollar sign."""


class SnippetBound(Bound):
    """One snippet, as a run may call it. Raises ConfigError for a schema that cannot be used."""

    def __init__(self, snippet: Snippet, threads: Threads, compile_: Compile) -> None:
        schema: Mapping[str, Any] = json.loads(snippet.input_schema)
        tool = Tool(snippet.name, _uncalled, snippet.description, schema, effect="read")
        super().__init__(tool, SPACE, snippet.name, threads)
        self.snippet = snippet
        self.uses: Mapping[str, str] = json.loads(snippet.tools)
        """The fingerprints of the tools that it was saved with, by path."""
        self._compile = compile_

    @cached_property
    def fingerprint(self) -> str:
        """Another one for each version."""
        snippet = self.snippet
        parts = [self.path, snippet.version, snippet.code_hash, snippet.language, self.input_schema]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def is_observed(self) -> bool:
        """Never."""
        return False

    async def invoke(
        self, arguments: dict[str, Any], context: ToolContext, *, largest: int = 4 << 20
    ) -> bytes:
        """The code as JavaScript, and the input that it was called with."""
        context.start()
        snippet = self.snippet
        code = await self._compile(snippet)
        answer = {
            "name": snippet.name,
            "version": snippet.version,
            "hash": snippet.code_hash,
            "code": code,
            "input": arguments,
        }
        made = json.dumps(answer).encode()
        if len(made) > largest:
            words = f"the input and the code of {self.path} have more than {largest} bytes"
            raise ToolError("too_large", words, self.path)
        return made


def _uncalled(**_input: Any) -> NoReturn:
    """What a snippet does, a worker does."""
    raise AssertionError
