"""A table for the runner, as bytes that can stand anywhere in memory."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import field

from onehop._data import data
from onehop.jail.spawner.layout import ENTRY_SIZE
from onehop.jail.syscalls._code import HEADER_SIZE

WORD = 8
LEAST, GREATEST = -(1 << 63), (1 << 63) - 1
GO_ON = -1


@data(frozen=True, slots=True)
class Name:
    """A number that only the spawner knows; it writes it wherever the name stands."""

    text: str


@data(frozen=True, slots=True)
class Data:
    """The address of some of the table's data, or of a byte in it."""

    label: str
    offset: int = 0


@data(frozen=True, slots=True)
class Section:
    """The address of the first entry of a section, or of a byte in it."""

    name: str
    offset: int = 0


Word = int | bytes | Name | Data | Section
"""Bytes stand for their address."""


@data(frozen=True, slots=True)
class Entry:
    """One entry, as ``_runner`` describes it; any result is right unless it says otherwise."""

    call: int
    args: tuple[Word, ...] = ()
    least: Word = LEAST
    greatest: Word = GREATEST
    keep: Word = 0
    on_zero: Word = 0

    def words(self) -> tuple[Word, ...]:
        """All of them, in order."""
        unused = [0] * (6 - len(self.args))
        args = (*self.args, *unused)
        return (self.call, *args, self.least, self.greatest, self.keep, self.on_zero)


RETURN = Entry(GO_ON, (0,))


def go_on(section: str) -> Entry:
    """No call: the runner continues there."""
    return Entry(GO_ON, (Section(section),))


@data(frozen=False, slots=True)
class Table:
    """The bytes, and what has to be written into them once it is known where they stand."""

    content: bytearray
    addresses: list[int] = field(default_factory=list)
    """Where a word is an address, counted from the start of the table."""
    names: dict[str, list[int]] = field(default_factory=dict)
    """Where the spawner writes which number."""
    labels: dict[str, int] = field(default_factory=dict)
    """Where the data of this label is."""
    sections: dict[str, int] = field(default_factory=dict)
    """Where the entries of this section are."""

    def place(self, content: bytes) -> int:
        """Where these bytes are from now on."""
        self.content += bytes(-len(self.content) % 16)
        self.content += content
        return len(self.content) - len(content)

    def write(self, at: int, words: Sequence[Word]) -> None:
        """Write words one after the other."""
        for index, word in enumerate(words):
            self._write(at + index * WORD, word)

    def _write(self, at: int, word: Word) -> None:
        if isinstance(word, Name):
            self.names.setdefault(word.text, []).append(at)
        elif not isinstance(word, int):
            self.addresses.append(at)
        struct.pack_into("=q", self.content, at, self._value(word))

    def _value(self, word: Word) -> int:
        if isinstance(word, bytes):
            return self.place(word)
        if isinstance(word, Data):
            return self.labels[word.label] + word.offset
        if isinstance(word, Section):
            return self.sections[word.name] + word.offset
        return word if isinstance(word, int) else 0


def lay_out(
    sections: Mapping[str, Sequence[Entry]], data: Mapping[str, bytes | Sequence[Word]]
) -> Table:
    """The runner starts with the first section, and goes on with "failed" when a result is wrong.

    ``data`` is bytes or words.
    """
    table = Table(bytearray(HEADER_SIZE))
    for name, entries in sections.items():
        table.sections[name] = len(table.content)
        table.content += bytes(len(entries) * ENTRY_SIZE)
    for label, content in data.items():
        size = len(content) * (1 if isinstance(content, bytes) else WORD)
        table.labels[label] = table.place(content if isinstance(content, bytes) else bytes(size))
    for label, content in data.items():
        if not isinstance(content, bytes):
            table.write(table.labels[label], content)
    table.write(2 * WORD, [Section("failed")])
    for name, entries in sections.items():
        for index, entry in enumerate(entries):
            table.write(table.sections[name] + index * ENTRY_SIZE, entry.words())
    return table
