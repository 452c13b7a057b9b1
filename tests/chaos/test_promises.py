"""docs/guarantees.md names what shows each promise: all of it is there."""

import re
from pathlib import Path

from tests.chaos.mutation import MUTANTS
from tests.chaos.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/guarantees.md").read_text()
FAULTS = PAGE[PAGE.index("## Fault by fault") : PAGE.index("## What is not promised")]


def test_every_test_that_a_fault_names_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", FAULTS))
    assert len(named) > 20
    assert [name for name in sorted(named) if not any((ROOT / at / name).is_file() for at in ("", "tests/realtime"))] == []


def test_every_scenario_stands_beside_a_fault_or_holds_many() -> None:
    named = set(re.findall(r"`(\w+)`", FAULTS))
    assert named & set(SCENARIOS) == named - {"ack", "busy"}
    assert set(SCENARIOS) - named == {"moderation", "bans_unheard", "bad_day"}  # what they try is told above the table


def test_the_tables_above_name_every_scenario_and_every_defect() -> None:
    assert [name for name in (*SCENARIOS, *MUTANTS) if f"`{name}`" not in PAGE] == []
