"""The fault scripts. Each is `script(run)`: it harms the run's servers, lines or database for `run.seconds`, and heals them."""

from tests.chaos.scenarios import bus, clocks, database, exhaustion, lines, mixed, order, processes
from tests.chaos.scenarios.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    one.name: one for part in (processes, database, bus, lines, exhaustion, order, clocks, mixed) for one in part.SCENARIOS
}
