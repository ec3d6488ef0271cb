"""Numbers and times as people read them; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_LATEST: Final = 253_402_300_799_999
_NONE: Final = "\u2013"


def count(value: Any) -> str:
    """A whole number in groups of three."""
    return f"{int(value):,}"


def short(value: float) -> str:
    """A count in at most four characters or so: 950, 12.3k, 4.1M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scaled = value / (1e3 if unit == "k" else size)
            return f"{scaled:.1f}".removesuffix(".0") + unit
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def share(value: float) -> str:
    """0 to 1 as percent; never 100 % where something failed."""
    percent = value * 100
    if 99.9 < percent < 100:
        return "99.9%"
    return f"{percent:.1f}%" if 0 < percent < 100 else f"{percent:.0f}%"


def duration(ms: float | None) -> str:
    """Milliseconds in the unit that suits them."""
    if ms is None:
        return _NONE
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < _SECOND:
        return f"{ms:.0f} ms"
    if ms < _MINUTE:
        return f"{ms / _SECOND:.2f} s"
    if ms < 60 * _MINUTE:
        return f"{ms / _MINUTE:.1f} min"
    return f"{ms / 60 / _MINUTE:.1f} h"


def size(amount: float) -> str:
    """Bytes."""
    unit = 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def memory(megabytes: float) -> str:
    """MB of 2^20 bytes, as the contract has them."""
    return f"{megabytes:.0f} MB" if megabytes >= 100 else f"{megabytes:.1f} MB"


def moment(ms: int | None) -> Markup:
    """A time in UTC; the page's script puts it into the reader's zone."""
    if ms is None or not 0 <= ms <= _LATEST:
        return Markup('<span class="quiet">\u2013</span>')
    at = datetime.fromtimestamp(ms / 1000, UTC)
    exact = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    words = at.strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, f"{words} UTC", words)
