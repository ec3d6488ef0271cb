"""What past runs teach, as shapes of failures; never values, names, code or context."""

from onehop.patterns._counts import AgentHistory, Patterns, Talk
from onehop.patterns._remote import shape, shape_alone, shape_from
from onehop.patterns._shapes import shape_of

__all__ = ["AgentHistory", "Patterns", "Talk", "shape", "shape_alone", "shape_from", "shape_of"]
