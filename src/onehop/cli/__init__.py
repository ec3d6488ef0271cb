"""The command line: run and validate code, ask the audit trail, examine this machine.

Importing this imports nothing else, so that a missing package is one line and no traceback.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]


def main() -> None:
    """Run the command that ``sys.argv`` names, and exit."""
    try:
        _obey()
    except KeyboardInterrupt:  # before its command has begun, while parts of it are imported
        from onehop.cli._command import complain
        from onehop.cli._exits import ExitCode

        sys.exit(complain("interrupted", ExitCode.INTERRUPTED))
    finally:  # to look for garbage in all that is loaded takes a tenth of a run; it ends anyhow
        gc.freeze()


def _obey() -> None:
    from onehop.cli._command import outcome
    from onehop.cli._early import begun_for
    from onehop.cli._once import run_once
    from onehop.cli._plain import plain_call

    wanted = sys.argv[1] if len(sys.argv) > 1 else None
    with begun_for(sys.argv[1:]) as begun:  # they load as long as all the rest
        if (plain := plain_call(sys.argv[1:])) is not None:
            sys.exit(outcome(lambda: run_once(begun, **plain)))
        try:
            from onehop.cli._app import make_app

            app = make_app(wanted)
        except ModuleNotFoundError as error:
            sys.exit(_missing(error))
        app(prog_name="onehop", obj=begun)


def _missing(error: ModuleNotFoundError) -> int:
    from onehop._extras import advice_for
    from onehop.cli._exits import ExitCode

    told = advice_for(sys.argv[1:], error.name)
    if told is None:  # a module of ours: no pip command mends that
        raise error
    sys.stderr.write(f"onehop: {told}\n")
    return int(ExitCode.UNAVAILABLE)


def __getattr__(name: str) -> Any:
    """``onehop.cli.app``, made when it is first asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from onehop.cli._app import make_app

    made = globals()["app"] = make_app()
    return made
