"""What a run asked its host and was answered: kept sealed, so that it can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.recordings._as_test import test_text
    from onehop.recordings._comparing import compared, replayed
    from onehop.recordings._effects import edited_arguments, effects, said, unmet_calls
    from onehop.recordings._entries import START, Answered, Ended, Intended, Made, Outgrown, ended
    from onehop.recordings._keys import SETTING, KeyFile, given_key
    from onehop.recordings._log import LostRunError, RunLog
    from onehop.recordings._offline import OfflineDesk
    from onehop.recordings._program import Program, open_program
    from onehop.recordings._recording import Recording, recording_from
    from onehop.recordings._script import Difference, Script, in_words, read_script
    from onehop.recordings._sealing import Sealer
    from onehop.recordings._tape import Tape

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
        "onehop.recordings._as_test": "test_text",
        "onehop.recordings._comparing": "compared replayed",
        "onehop.recordings._effects": "edited_arguments effects said unmet_calls",
        "onehop.recordings._entries": "START Answered Ended Intended Made Outgrown ended",
        "onehop.recordings._keys": "SETTING KeyFile given_key",
        "onehop.recordings._log": "LostRunError RunLog",
        "onehop.recordings._offline": "OfflineDesk",
        "onehop.recordings._program": "Program open_program",
        "onehop.recordings._recording": "Recording recording_from",
        "onehop.recordings._script": "Difference Script in_words read_script",
        "onehop.recordings._sealing": "Sealer",
        "onehop.recordings._tape": "Tape",
    }
)
