"""A Ray Serve deployment that runs code: each replica has a pool; Serve adds replicas under load.

pip install 'onehop[ray]' 'ray[serve]'; then: serve run ray_serve:app
"""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

from ray import serve
from starlette.requests import Request

from onehop import OnehopError, Sandbox, SandboxConfig


class Code:
    """Takes the arguments of ``code_execute`` as JSON, and answers with its result."""

    def __init__(self) -> None:
        self._sandbox = Sandbox(SandboxConfig(pool_size=2))
        self._opened = False

    async def __call__(self, request: Request) -> Any:
        if not self._opened:
            await self._sandbox.open()
            self._opened = True
        try:
            call = await request.json()
            result = await self._sandbox.execute(call["code"], context=call.get("context"))
        except (OnehopError, KeyError, ValueError) as error:
            return {"success": False, "error": str(error)}
        return result.to_dict()


deploy = serve.deployment(
    max_ongoing_requests=16,
    autoscaling_config={"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 8},
)
app = deploy(Code).bind()


def main() -> None:
    """Serve, ask once, and stop."""
    serve.run(app)
    call = json.dumps({"code": "return context.n * 7", "context": {"n": 6}}).encode()
    with urlopen("http://127.0.0.1:8000/", data=call) as answer:
        print("the answer is", json.load(answer)["output"])
    serve.shutdown()


if __name__ == "__main__":
    main()
