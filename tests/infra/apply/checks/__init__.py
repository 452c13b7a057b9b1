"""What must be so once the stack stands, by subject. Each is a function with a sentence that is told."""

from tests.infra.apply.checks import data, edge, network, rights, running, watch
from tests.infra.apply.checks.registry import Check

CHECKS: list[Check] = [
    *network.CHECKS.found,
    *edge.CHECKS.found,
    *running.CHECKS.found,
    *data.CHECKS.found,
    *rights.CHECKS.found,
    *watch.CHECKS.found,
]
