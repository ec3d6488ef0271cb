"""How every command ends: with an exit code, and one line for each failure that is known."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from onehop.cli._exits import ExitCode

if TYPE_CHECKING:
    from onehop.errors import ConfigError


def exit_with(command: Callable[[], ExitCode], *, warn: bool = True) -> NoReturn:
    """Exit with what ``command`` returns; its known failures become one line and a code.

    With ``warn``, variables of the environment that look like ours and are not are named first.
    """
    import typer  # late: a run with the usual words does without

    raise typer.Exit(outcome(command, warn=warn))


def complain(reason: Any, code: ExitCode) -> ExitCode:
    """Say on standard error what is wrong, and hand back the code to exit with."""
    _say(f"onehop: {reason}")
    return code


def outcome(command: Callable[[], ExitCode], *, warn: bool = True) -> ExitCode:
    """The code to exit with: see ``exit_with``."""
    try:
        return _try(command, warn)
    except KeyboardInterrupt:
        return complain("interrupted", ExitCode.INTERRUPTED)
    except ModuleNotFoundError as error:
        return _missing(error)
    except Exception:  # a mistake of ours must not look like a failure of the code
        traceback.print_exc()
        return ExitCode.UNAVAILABLE


def _try(command: Callable[[], ExitCode], warn: bool) -> ExitCode:
    from onehop.cli._environment import warnings
    from onehop.descriptors import shortage
    from onehop.errors import ConfigError, InvalidRequestError, OnehopError

    try:
        for warning in warnings() if warn else ():
            _say(f"onehop: warning: {warning}")
        return command()
    except ConfigError as error:
        return complain(_placed(error), ExitCode.BAD_INPUT)
    except InvalidRequestError as error:
        return complain(error, ExitCode.BAD_INPUT)
    except OnehopError as error:
        return complain(error, ExitCode.UNAVAILABLE)
    except OSError as error:
        if (words := shortage(error)) is None:
            raise
        return complain(words, ExitCode.UNAVAILABLE)


def _placed(error: ConfigError) -> str:
    """With the file, line and table of the setting, or its variable, where that is what is
    wrong."""
    import os

    from onehop.cli._settings import judge, problem_of

    problem = problem_of(error, judge(os.environ).problems)
    return f"{problem.place}: {problem.message}" if problem else str(error)


def _missing(error: ModuleNotFoundError) -> ExitCode:
    from onehop._extras import advice_for

    told = advice_for(sys.argv[1:], error.name)
    if told is None:  # a module of ours: no pip command mends that
        traceback.print_exc()
        return ExitCode.UNAVAILABLE
    return complain(told, ExitCode.UNAVAILABLE)


def _say(line: str) -> None:
    from onehop.cli._output import write

    write(sys.stderr, f"{line}\n")
