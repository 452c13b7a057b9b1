"""Two people who change the same thing: whoever keeps it second is told, and nothing is overwritten in silence.

A form carries the mark of what it showed. Who keeps it compares that with what is stored, under the lock under which they write.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

from saas.core.errors import ChangedSince


def mark_of(values: Mapping[str, object]) -> str:
    """A short mark of these values; the same values give the same mark, in whatever order they are named."""
    said = json.dumps(dict(values), sort_keys=True, default=str, ensure_ascii=False)
    return sha256(said.encode()).hexdigest()[:32]


def refuse_if_changed(mark: str | None, stored: Mapping[str, object]) -> None:
    """Raise ChangedSince if what is stored is not what the mark was made of. No mark, no question: programs need not ask."""
    if mark is not None and mark != mark_of(stored):
        raise ChangedSince("Somebody else has changed this since you opened it.", stored=stored)
