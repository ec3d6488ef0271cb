"""What is known of a session's variables, on the host: which of them a loop may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onehop.source._loops import MOST_MENTIONS, Loop
from onehop.source._notebook import NOTHING, SAVE, Kept

LOAD = "load\u200d\u200d"
"""The name that the guest gives a function of its own, as ``SAVE``; see session.js."""


class Variables:
    """Of one session, over its calls."""

    def __init__(self) -> None:
        self._there: dict[str, bool] = {}
        """Those that are certain to have a value, and whether they are constants."""
        self._mentioned: set[str] = set()
        self._is_dynamic = False

    def fitted(self, kept: Kept) -> Kept:
        """The call with its loops holding what they may."""
        if kept is NOTHING:
            return kept
        self._mentioned.update(kept.loops.mentions)
        too_many = len(self._mentioned) > MOST_MENTIONS
        self._is_dynamic |= kept.loops.is_dynamic or not kept.is_read or too_many
        if self._is_dynamic:
            return kept
        taken = {at for at, _, _ in kept.edits}
        edits = list(kept.edits)
        for loop in kept.loops.found:
            if not taken & {loop.start, loop.end}:
                edits += self._held(loop, kept)
        edits.sort(key=lambda edit: edit[0])
        return replace(kept, edits=edits)

    def note(self, kept: Kept, *, is_success: bool) -> None:
        """The call has ended. One that failed may not have come to all that it declares."""
        if kept is NOTHING:
            return
        names = kept.names
        for name in names:
            self._there.pop(name, None)
        if is_success:
            self._there |= dict.fromkeys(names, False)
            self._there |= dict.fromkeys(kept.consts, True)

    def _held(self, loop: Loop, kept: Kept) -> list[tuple[int, int, str]]:
        chosen = [name for name in loop.names if self._may_hold(name, loop, kept)]
        written = [name for name in chosen if name in loop.written]
        read = [name for name in chosen if name not in loop.written]
        if not chosen:
            return []
        opens = f"{{{_loads('const', read)}{_loads('let', written)}"
        if not written:
            return [(loop.start, 0, opens), (loop.end, 0, "}")]
        saves = "".join(f'{SAVE}("{name}",{name});' for name in written)
        return [(loop.start, 0, f"{opens}try{{"), (loop.end, 0, f"}}finally{{{saves}}}}}")]

    def _may_hold(self, name: str, loop: Loop, kept: Kept) -> bool:
        if name in self._mentioned or name in kept.loops.hidden:
            return False
        if name in kept.variables:
            return True
        if name in kept.lets or name in kept.consts:
            is_there, is_constant = name in loop.before, name in kept.consts
        else:
            is_there, is_constant = name in self._there, self._there.get(name, False)
        return is_there and not (is_constant and name in loop.written)


def _loads(word: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"{word} " + ",".join(f'{name}={LOAD}("{name}")' for name in names) + ";"
