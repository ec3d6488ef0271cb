"""What a run asked its host and was answered: kept sealed, so that it can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.sandbox.recordings._as_test import test_text
    from onehop.sandbox.recordings._comparing import compared, replayed
    from onehop.sandbox.recordings._effects import edited_arguments, effects, said, unmet_calls
    from onehop.sandbox.recordings._entries import (
        START,
        Answered,
        Ended,
        Intended,
        Made,
        Outgrown,
        ended,
    )
    from onehop.sandbox.recordings._keys import SETTING, KeyFile, given_key
    from onehop.sandbox.recordings._log import LostRunError, RunLog
    from onehop.sandbox.recordings._offline import OfflineDesk
    from onehop.sandbox.recordings._program import Program, open_program
    from onehop.sandbox.recordings._recording import Recording, recording_from
    from onehop.sandbox.recordings._script import Difference, Script, in_words, read_script
    from onehop.sandbox.recordings._sealing import Sealer
    from onehop.sandbox.recordings._tape import Tape

__all__ = [
    "SETTING",
    "START",
    "Answered",
    "Difference",
    "Ended",
    "Intended",
    "KeyFile",
    "LostRunError",
    "Made",
    "OfflineDesk",
    "Outgrown",
    "Program",
    "Recording",
    "RunLog",
    "Script",
    "Sealer",
    "Tape",
    "compared",
    "edited_arguments",
    "effects",
    "ended",
    "given_key",
    "in_words",
    "open_program",
    "read_script",
    "recording_from",
    "replayed",
    "said",
    "test_text",
    "unmet_calls",
]

__getattr__ = late(
    {
        "onehop.sandbox.recordings._as_test": "test_text",
        "onehop.sandbox.recordings._comparing": "compared replayed",
        "onehop.sandbox.recordings._effects": "edited_arguments effects said unmet_calls",
        "onehop.sandbox.recordings._entries": "START Answered Ended Intended Made Outgrown ended",
        "onehop.sandbox.recordings._keys": "SETTING KeyFile given_key",
        "onehop.sandbox.recordings._log": "LostRunError RunLog",
        "onehop.sandbox.recordings._offline": "OfflineDesk",
        "onehop.sandbox.recordings._program": "Program open_program",
        "onehop.sandbox.recordings._recording": "Recording recording_from",
        "onehop.sandbox.recordings._script": "Difference Script in_words read_script",
        "onehop.sandbox.recordings._sealing": "Sealer",
        "onehop.sandbox.recordings._tape": "Tape",
    }
)
