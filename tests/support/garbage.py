"""What only the collector of garbage could free: objects that hold each other in a ring."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def rings_of(*kinds: type) -> Iterator[list[object]]:
    """At the end of the block the list has what was left in rings meanwhile, of these kinds."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += [one for one in gc.garbage if isinstance(one, kinds)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
