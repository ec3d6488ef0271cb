"""What past runs teach, as shapes of failures; never values, names, code or context."""

from onehop.patterns._counts import AgentHistory, Patterns
from onehop.patterns._remote import shape, shape_from
from onehop.patterns._shapes import shape_of

__all__ = ["AgentHistory", "Patterns", "shape", "shape_from", "shape_of"]
