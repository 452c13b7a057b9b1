"""Whoever runs Porchlight on AWS is woken by what wakes whoever has Prometheus: the two lists are held against each other."""

import re

from billing.metrics import EVENTS, WEBHOOKS
from saas.core.metrics import MAIL, REGISTRY
from tests.infra.expressions import KNOWN
from tests.infra.told import TERRAFORM, paging, rows

ALARMS = "".join((TERRAFORM / name).read_text() for name in ("alarms.tf", "alarms_servers.tf", "outside.tf"))
AGENT = (TERRAFORM / "agent.tf").read_text()


def names() -> set[str]:
    """The ends of the names of all alarms."""
    keys = re.findall(r"^\s+([a-z][a-z-]+)\s+= \{$", ALARMS, re.MULTILINE)
    made = re.findall(r'\$\{[a-z.]+\}-([a-z-]+)"(?: =>|$)', ALARMS, re.MULTILINE)
    return {*keys, *made}


def test_each_alert_that_wakes_somebody_has_its_alarm() -> None:
    stood_for = {anchor for _, anchors in rows() for anchor in anchors}
    assert len(paging()) > 15
    missing = paging() - stood_for
    assert not missing, f"make an alarm for {missing}, and lead from it in the README to what the runbook says"


def test_each_alarm_that_the_readme_tells_of_is_made() -> None:
    told = {name for row, _ in rows() for name in row}
    assert len(told) > 25
    assert {name for name in told if not any(f"-{made}".endswith(f"-{name}") for made in names())} == set()


def test_each_metric_that_the_agent_brings_is_measured_and_no_histogram() -> None:
    """The agent leaves histograms out, so that an alarm on one would never have anything to say."""
    brought = set(re.findall(r'_metric\s+= "([a-z_]+)"', AGENT))
    assert len(brought) > 12
    assert brought <= set(KNOWN)
    kinds = {sample.name: family.type for family in REGISTRY.collect() for sample in family.samples}
    assert {kinds.get(name) for name in brought} <= {"counter", "gauge", None}, "None: not told before its first use"


def test_each_result_that_the_agent_brings_is_told_before_the_first() -> None:
    """What is not there yet is not seen to grow by its first: of four mails that failed, three would be counted."""
    for counter, asked in ((MAIL, {"failed"}), (EVENTS, {"failed"}), (WEBHOOKS, {"refused"})):
        told = {sample.labels["result"] for family in counter.collect() for sample in family.samples}
        assert asked <= told
