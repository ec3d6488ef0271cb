"""Characters that hide, or that change how what follows is read; pure.

Pages, notebooks and terminals show text of strangers, and take the same characters for such.
"""

from __future__ import annotations

import re
from typing import Final

_OTHERS: Final = (
    "\x7f-\x9f\xad\u061c\u115f\u1160\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
HIDDEN: Final = re.compile(f"[\x00-\x08\x0b-\x1f\ud800-\udfff{_OTHERS}]")
"""Controls, what turns the direction of writing, what has no width or no shape, and halves of
surrogate pairs. Tabs and ends of lines stay, and so do the joiners: scripts and emoji need them."""
HIDDEN_IN_JSON: Final = re.compile(f"[{_OTHERS}]")
"""Those of them that stand in JSON as they are; the others are escaped in it anyway."""
