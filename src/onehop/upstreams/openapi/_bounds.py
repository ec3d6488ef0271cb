"""How much a document may have, and an answer; what is more is refused before it is read."""

from __future__ import annotations

from typing import Final

from onehop.limits import MIB

DOCUMENT: Final = 64 * MIB
"""Bytes of a document."""
VALUES: Final = 6_000_000
"""JSON values in a document."""
LEVELS: Final = 150
"""Objects and lists within each other, in a document."""
OPERATIONS: Final = 20_000
"""Operations that become tools."""
PARAMETERS: Final = 300
"""Parameters of one operation, the fields of its body among them."""
HOPS: Final = 20
"""References in a row."""
TYPES: Final = 2_000_000
"""Named types that the schemas of all operations have in them together; then each has few."""
TYPES_IN: Final = 120
TYPES_OUT: Final = 80
TYPES_FEW: Final = 20
"""Named types in one schema, the nearest first: what lies beyond is not checked and unknown."""
PARTS_IN: Final = 20_000
"""Schemas in the arguments of one operation, without the named ones."""
PARTS_OUT: Final = 2000
"""Schemas in an answer, without the named ones: what lies beyond is unknown."""
WORDS: Final = 2000
"""Characters of a description within a schema."""
DESCRIPTION: Final = 4096
"""Characters of an operation's description."""
SMALL: Final = 2000
"""Characters of JSON of a default."""
ANSWER: Final = 4 * MIB
"""Bytes of an answer's body."""
ANSWER_VALUES: Final = 500_000
"""JSON values in an answer."""
FAILURE: Final = 64 * 1024
"""Bytes that are read of an answer which says that the call failed."""
ERROR: Final = 8192
"""Characters of what a server says of a failure."""
HEADERS: Final = 64
HEADER: Final = 2048
"""Headers of an answer that the code gets, and characters of each."""
REDIRECTS: Final = 5
"""Redirects in a row, all to the same host."""
