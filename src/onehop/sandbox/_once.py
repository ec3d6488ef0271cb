"""One program, run once by code that is not async."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from onehop.config import SandboxConfig
from onehop.inputs.languages import DEFAULT, language_named
from onehop.sandbox._sandbox import Sandbox

if TYPE_CHECKING:
    from onehop.sandbox.calls import Layer, Wanted
    from onehop.types import CheckPolicy, ExecutionResult


def run(
    code: str,
    language: str | None = None,
    timeout: float | None = None,
    context: dict[str, Any] | None = None,
    capture_console: bool | None = None,
    *,
    config: SandboxConfig | None = None,
    tools: Wanted | None = None,
    rules: Layer = (),
    typecheck: CheckPolicy | None = None,
    plan: bool = False,
) -> ExecutionResult:
    """Run ``code`` once, synchronously, in a sandbox opened for it, with its ``tools`` and
    ``rules``; ``typecheck`` and ``plan`` are those of ``Sandbox.execute``.

    For more than one execution open a Sandbox: it keeps workers warm. Inside a running event loop
    (a notebook) the work happens in a thread while the caller waits. Raises what
    ``Sandbox.execute`` and ``Sandbox.open`` raise.
    """
    settings = (config or SandboxConfig()).model_copy(update={"pool_size": 1})

    async def once() -> ExecutionResult:
        checked = typecheck != "off" and "tools" in str(code)
        sandbox = Sandbox(
            settings,
            tools=tools,
            rules=rules,
            first_language=language_named(language) or DEFAULT,
            first_is_checked=checked,
        )
        try:
            await sandbox.open()
            return await sandbox.execute(
                code, language, timeout, context, capture_console, typecheck=typecheck, plan=plan
            )
        finally:
            await sandbox.aclose()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(once())
    return _in_thread(once)


def _in_thread(once: Any) -> ExecutionResult:
    outcome: dict[str, Any] = {}

    def work() -> None:
        try:
            outcome["result"] = asyncio.run(once())
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, name="onehop.run")
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    result: ExecutionResult = outcome["result"]
    return result
