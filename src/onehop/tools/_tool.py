"""A function of the host with a name, a description, schemas and an effect; and how one is made."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, ParamSpec, TypeVar, get_args, overload

from onehop.errors import ConfigError

Effect = Literal["read", "write", "destructive"]
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)
P = ParamSpec("P")
R = TypeVar("R", covariant=True)


@dataclass(frozen=True, eq=False)
class Tool:
    """A function of the host that code may call.

    ``call`` is sync or async. Without ``input_schema`` its signature gives the schema, and the
    arguments are converted to the annotated types. With one, ``call`` gets the arguments as they
    are: by keyword if the schema's properties are its parameters, otherwise as one dict.
    """

    name: str
    call: Callable[..., Any]
    description: str = ""
    input_schema: Mapping[str, Any] | bool | None = None
    output_schema: Mapping[str, Any] | bool | None = None
    effect: Effect = "write"
    is_hint: bool = field(default=False, kw_only=True, repr=False)
    """Whether the effect is only what a stranger says of the tool. Then a rule that restricts
    tools which write restricts this one too, and one that allows tools which read does not."""
    starts_itself: ClassVar[bool] = False
    """Whether ``call`` says by its ToolContext when its time begins."""

    has_http: ClassVar[bool] = False
    """Whether its answers have ``$http`` beside their bodies."""

    def __post_init__(self) -> None:
        """Raises ConfigError for what cannot be a tool."""
        if not isinstance(self.name, str):
            raise ConfigError("tools", f"a tool's name is {self.name!r}; it must be a text")
        if not callable(self.call):
            raise ConfigError(f"tools.{self.name}", f"{self.call!r} cannot be called")
        if self.effect not in EFFECTS:
            allowed = ", ".join(EFFECTS)
            raise ConfigError(
                f"tools.{self.name}", f"the effect is {self.effect!r}; it must be one of {allowed}"
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, past all checks."""
        return self.call(*args, **kwargs)


@dataclass(frozen=True, eq=False)
class FunctionTool(Tool, Generic[P, R]):
    """What ``@tool`` makes: a Tool that is still called, bound and inspected as its function."""

    function: Callable[P, R] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Look like the function."""
        super().__post_init__()
        for name in functools.WRAPPER_ASSIGNMENTS:
            if hasattr(self.call, name):
                self.__dict__[name] = getattr(self.call, name)
        self.__dict__["__wrapped__"] = self.call

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, past all checks."""
        result: R = self.call(*args, **kwargs)
        return result

    def __get__(self, instance: object, owner: type | None = None) -> FunctionTool[..., R]:
        """The tool of an object, if the function is a method."""
        bind = getattr(self.call, "__get__", None)
        if bind is None:
            return self
        bound = bind(instance, owner)
        return FunctionTool(
            self.name,
            bound,
            self.description,
            self.input_schema,
            self.output_schema,
            self.effect,
        )


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, effect: Effect = "write"
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "write",
) -> Any:
    """Make a tool of a function, sync or async: ``@tool`` or ``@tool(effect="read")``.

    Its signature gives the schema, its docstring the words. It can still be called as it was.
    """

    def make(made_of: Callable[..., Any], level: int = 2) -> FunctionTool[..., Any]:
        _resolve_locals(made_of, level)
        return FunctionTool(
            name_of(made_of) if name is None else name, made_of, description or "", effect=effect
        )

    return make if function is None else make(function, 3)


def _resolve_locals(function: Callable[..., Any], level: int) -> None:
    """Annotations that are text may name what the enclosing function has, and only its frame knows
    that; later it is gone."""
    annotations = getattr(function, "__annotations__", {}).values()
    is_inner = "<locals>" in getattr(function, "__qualname__", "")
    if not is_inner or not any(isinstance(annotation, str) for annotation in annotations):
        return
    names = sys._getframe(level).f_locals
    with suppress(Exception):  # said when the tool is composed, with its name
        function.__signature__ = inspect.signature(  # type: ignore[attr-defined]
            function, eval_str=True, locals=names
        )


def as_tool(given: Any) -> Tool:
    """``given`` itself, or the tool that a plain function is. Raises ConfigError."""
    if isinstance(given, Tool):
        return given
    if callable(given):
        return Tool(name_of(given), given)
    raise ConfigError(
        "tools",
        f"got {given!r:.200}; it must be a function or a Tool, which "
        "has a name, a function and perhaps a schema: Tool('add', call)",
    )


def name_of(function: Callable[..., Any]) -> str:
    """Raises ConfigError for what has no name of its own, such as a lambda."""
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise ConfigError("tools", f"{function!r:.200} has no name: use Tool(name, call)")
    return name
