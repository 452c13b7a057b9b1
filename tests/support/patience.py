"""How long tests wait for what is certain to come, so that the pace of the machine decides nothing."""

from typing import Final

PATIENCE: Final = 60.0  # seconds; in good order it is milliseconds, and what takes longer than this does not come
