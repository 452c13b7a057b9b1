"""Short texts that people type, as they are stored."""

import re
from typing import Final

from saas.core.errors import BadFrame, Empty, TooLong

UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_line(text: str, longest: int, *, field: str, optional: bool = False) -> str:
    """One line: white space as single spaces, nothing around it. Raises Empty unless `optional`, TooLong, or BadFrame."""
    text = " ".join(text.split())
    if UNSTORABLE.search(text):
        raise BadFrame("This holds a control character, which is refused.", field=field)
    if not text and not optional:
        raise Empty("This may not be empty.", field=field)
    if len(text) > longest:
        raise TooLong(f"This has {len(text)} characters; {longest} is the most.", field=field)
    return text
