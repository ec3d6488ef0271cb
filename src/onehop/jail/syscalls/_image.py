"""A shared library that hands the process over to the runner before the program starts.

The dynamic loader calls it once all of the program is in memory and relocated. Layout and numbers
are those of the ELF-64 object file format, its supplements for x86-64 and aarch64, and ld.so(8).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from onehop.jail.syscalls import _code
from onehop.jail.syscalls._layout import Table

_MACHINE = {"x86_64": 62, "aarch64": 183}
_RELATIVE = {"x86_64": 8, "aarch64": 1027}
"""R_X86_64_RELATIVE and R_AARCH64_RELATIVE: the word is an address in this library."""
_PAGE = 0x10000
"""The largest of both machines."""
_READ, _WRITE, _EXECUTE = 4, 2, 1
_LOAD, _DYNAMIC, _GNU_STACK = 1, 2, 0x6474E551
_HEADER, _PROGRAM_HEADER = 64, 56
_HASH = struct.pack("<4I", 1, 1, 0, 0)  # one bucket, one symbol, which is none
_NO_SYMBOL = bytes(24)
_NO_STRING = b"\0"
_DT_NULL, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ, _DT_RELAENT = 0, 4, 5, 6, 7, 8, 9
_DT_STRSZ, _DT_SYMENT, _DT_INIT = 10, 11, 12


def build(table: Table, machine: str) -> tuple[bytes, int]:
    """The file, and where in it the table starts."""
    relocations_size = 24 * len(table.addresses)
    parts = {
        "headers": bytes(_HEADER + 4 * _PROGRAM_HEADER),
        "hash": _HASH,
        "symbols": _NO_SYMBOL,
        "strings": _NO_STRING,
        "relocations": bytes(relocations_size),
        "code": bytes(16) + _code.CODE[machine],
    }
    at = _places(parts)
    start = _up(at["end"], _PAGE)
    dynamic = start + _up(len(table.content), 16)
    file = bytearray(dynamic)
    for name, part in parts.items():
        file[at[name] : at[name] + len(part)] = part
    relocations = b"".join(_relocations(table, machine, start))
    file[at["relocations"] : at["relocations"] + relocations_size] = relocations
    entry = _entry(machine, at["code"], start)
    file[at["code"] : at["code"] + len(entry)] = entry
    file[start : start + len(table.content)] = table.content
    file += _dynamic(at, relocations_size)
    file[: len(parts["headers"])] = _headers(machine, at["end"], start, dynamic, len(file))
    return bytes(file), start


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _places(parts: dict[str, bytes]) -> dict[str, int]:
    places, at = {}, 0
    for name, part in parts.items():
        places[name] = at
        at = _up(at + len(part), 16)
    return {**places, "end": at}


def _entry(machine: str, here: int, table: int) -> bytes:
    """Put the table's address where ``run``, 16 bytes on, expects it."""
    if machine == "x86_64":
        lea = b"\x48\x8d\x3d" + struct.pack("<i", table - (here + 7))  # lea rdi, [rip+…]
        return lea + b"\x90" * (16 - len(lea))  # nop
    distance = table - here
    adr = 0x10000000 | (distance & 3) << 29 | (distance >> 2 & 0x7FFFF) << 5  # adr x0, …
    return struct.pack("<4I", adr, *[0xD503201F] * 3)  # nop


def _relocations(table: Table, machine: str, start: int) -> Iterator[bytes]:
    for at in table.addresses:
        target = struct.unpack_from("=q", table.content, at)[0]
        yield struct.pack("<QQq", start + at, _RELATIVE[machine], start + target)


def _dynamic(at: dict[str, int], relocations_size: int) -> bytes:
    tags = {
        _DT_HASH: at["hash"],
        _DT_STRTAB: at["strings"],
        _DT_SYMTAB: at["symbols"],
        _DT_STRSZ: len(_NO_STRING),
        _DT_SYMENT: len(_NO_SYMBOL),
        _DT_RELA: at["relocations"],
        _DT_RELASZ: relocations_size,
        _DT_RELAENT: 24,
        _DT_INIT: at["code"],
        _DT_NULL: 0,
    }
    return b"".join(struct.pack("<QQ", *pair) for pair in tags.items())


def _headers(machine: str, code_end: int, start: int, dynamic: int, size: int) -> bytes:
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    shared = 3
    elf = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(ident, shared, _MACHINE[machine], 1, 0, _HEADER, 0, 0),
        *(_HEADER, _PROGRAM_HEADER, 4, 64, 0, 0),
    )
    return elf + b"".join(
        struct.pack("<IIQQQQQQ", kind, flags, place, place, place, length, length, align)
        for kind, flags, place, length, align in (
            (_LOAD, _READ | _EXECUTE, 0, code_end, _PAGE),
            (_LOAD, _READ | _WRITE, start, size - start, _PAGE),
            (_DYNAMIC, _READ | _WRITE, dynamic, size - dynamic, 8),
            (_GNU_STACK, _READ | _WRITE, 0, 0, 16),
        )
    )
