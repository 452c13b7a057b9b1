"""`python -m tests.chaos`, as `make chaos` runs it: every scenario, then every mutant of the product; writes results.json.

`CHAOS_SCENARIO` and `CHAOS_MUTANT` name one or several, with commas; `CHAOS_SEED` plays a run again; `CHAOS_SECONDS` are those
of faults in each scenario.
"""

import logging
import signal
import sys

from tests.support.apart import begin

FOLDER = begin("chaos")
logging.getLogger("httpx").setLevel(logging.WARNING)

from tests.chaos.suite import main

signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # what was made is put away
sys.exit(main())
