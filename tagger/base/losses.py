"""What saving a genre may cost a file besides, and what of it a station may allow.

The kinds stand here because the settings name them and the library room finds them.
"""

from __future__ import annotations

from typing import Literal, get_args

# A file that has one of these is left alone unless the setting `allow_loss` names the kind.
Allowable = Literal["id3v2.2", "extended-header", "footer", "frame", "comment", "duplicate-block"]
ALLOWABLE: tuple[str, ...] = get_args(Allowable)
# These are never allowed: nothing could be checked afterwards, or the file would be broken.
NEVER = ("fragmented", "sizes", "damaged", "other")
