"""Dashboards and rules as code: they ask for what the code measures, and each alert leads to a page that says what to do."""

import json
import math
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from saas.core.metrics import REGISTRY
from saas.up.preparation import ROOT
from tests.infra.expressions import KNOWN, TARGET, bounds, faults_of

INFRA = ROOT / "infra"
RULES: dict[str, Any] = yaml.safe_load((INFRA / "prometheus/rules.yml").read_text())
PROMETHEUS: dict[str, Any] = yaml.safe_load((INFRA / "prometheus/prometheus.yml").read_text())
OPERATIONS = ROOT / "docs/operations.md"
DASHBOARDS = sorted((INFRA / "grafana").glob("*.json"))
RULE_LIST: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
RECORDED = {rule["record"] for rule in RULE_LIST if "record" in rule}
ALERTS = [rule for rule in RULE_LIST if "alert" in rule]


def faults(expression: str) -> list[str]:
    return list(faults_of(expression, recorded=RECORDED))


class TestRules:
    @pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: rule.get("alert") or rule["record"])
    def test_each_asks_for_what_the_code_measures(self, rule: dict[str, Any]) -> None:
        assert faults(rule["expr"]) == []

    def test_an_edge_of_a_histogram_is_one_of_its_own(self) -> None:
        asked = [pair for rule in RULE_LIST for pair in re.findall(r'(\w+_bucket)\{le="([^"]+)"', rule["expr"])]
        assert len(asked) >= 12
        for name, edge in asked:
            assert edge in bounds(name), (name, edge)

    @pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
    def test_each_alert_wakes_somebody_or_not_and_says_what_to_do(self, alert: dict[str, Any]) -> None:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["summary"].endswith(".")
        page, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert (ROOT / page, anchor) == (OPERATIONS, alert["alert"].lower())
        assert anchor in anchors()

    def test_the_page_tells_of_no_alert_that_is_none(self) -> None:
        described = {title for title in re.findall(r"^### (\S+)$", OPERATIONS.read_text(), re.MULTILINE) if title[0].isupper()}
        section = OPERATIONS.read_text().partition("## Alerts")[2].partition("\n## ")[0]
        assert set(re.findall(r"^### (\S+)$", section, re.MULTILINE)) == {rule["alert"] for rule in ALERTS} <= described

    def test_what_the_page_names_is_measured(self) -> None:
        named = set(re.findall(r"\bporchlight_[a-z_]+", OPERATIONS.read_text().partition("\n## Backup and restore")[0]))
        assert named
        assert named - set(KNOWN) == set()

    def test_names_are_given_once(self) -> None:
        names = [rule.get("alert") or rule["record"] for rule in RULE_LIST]
        assert len(names) == len(set(names))

    def test_each_objective_burns_fast_and_slowly(self) -> None:
        """Over two windows each: the short one ends the alert soon after the harm has ended."""
        for name in ("delivery", "storing", "accept", "resume"):
            windows = {record.rpartition("rate")[2] for record in RECORDED if record.startswith(f"porchlight:{name}_errors")}
            assert windows == {"5m", "30m", "1h", "6h"}
            burning = [alert["expr"] for alert in ALERTS if f"{name}_errors" in alert["expr"]]
            assert sorted(re.findall(r"> (14\.4|6) \*", " ".join(burning))) == ["14.4", "14.4", "6", "6"]

    def test_memory_is_told_before_a_process_is_ended_for_it(self) -> None:
        (expression,) = [alert["expr"] for alert in ALERTS if alert["alert"] == "MemoryFills"]
        told = math.prod(map(float, expression.partition(">")[2].split("*")))
        units = [path.read_text() for path in (INFRA / "systemd").glob("*.service")]
        compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        ended = {size for unit in units for size in re.findall(r"^MemoryMax=(.+)$", unit, re.MULTILINE)}
        ended |= {compose[name]["deploy"]["resources"]["limits"]["memory"] for name in ("web", "ws", "worker")}
        assert ended == {"1G"}
        assert 0.5 * 2**30 < told < 0.9 * 2**30

    def test_nobody_serves_sockets_where_only_pages_are_served(self) -> None:
        """A process for pages tells of sockets, too: that it has none."""
        (expression,) = [alert["expr"] for alert in ALERTS if alert["alert"] == "NobodyServes"]
        found = re.fullmatch(r'absent\(porchlight_process\{kind=~"([a-z|]+)"\}\)', expression)
        assert found is not None
        assert set(found[1].split("|")) == {"all", "ws"}

    def test_a_word_that_nobody_measures_is_found(self) -> None:
        assert faults("sum(rate(porchlight_nothing_total[5m])) > 0") == ["nothing is named porchlight_nothing_total"]
        assert faults('porchlight_sockets{tenant="acme"} > 0') == ["porchlight_sockets has no label tenant"]
        assert faults("sum by (code) (porchlight_sockets)") != []

    def test_prometheus_reads_them(self) -> None:
        assert [(INFRA / "prometheus" / name).exists() for name in PROMETHEUS["rule_files"]] == [True]
        jobs = {job["job_name"] for job in PROMETHEUS["scrape_configs"]}
        asked = {job for rule in RULE_LIST for job in re.findall(r'job="([^"]+)"', rule["expr"])}
        assert asked == jobs == {"porchlight", "widget-script"}

    def test_promtool_agrees(self) -> None:
        if shutil.which("promtool") is None:
            pytest.skip("promtool is not installed here")
        done = subprocess.run(
            ["promtool", "check", "rules", INFRA / "prometheus/rules.yml"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def anchors() -> set[str]:
    """Of the headings, as they are made of them where the page is shown."""
    headings = re.findall(r"^#+ (.+)$", OPERATIONS.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def charts(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


class TestDashboards:
    @pytest.fixture(scope="class")
    def made(self) -> dict[str, str]:
        """By the script, as of now."""
        sys.path.insert(0, str(INFRA / "grafana"))
        try:
            script = runpy.run_path(str(INFRA / "grafana/make.py"))
        finally:
            sys.path.pop(0)
        return {name: script["written"](name) for name in script["BOARDS"]}

    def test_the_files_are_what_the_script_makes(self, made: dict[str, str]) -> None:
        assert {file.stem for file in DASHBOARDS} == set(made)
        for file in DASHBOARDS:
            assert file.read_text() == made[file.stem], f"run python infra/grafana/make.py: {file.name} is old"

    @pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
    def test_each_panel_asks_for_what_the_code_measures(self, file: Path) -> None:
        for panel in charts(json.loads(file.read_text())):
            for target in panel["targets"]:
                asked = target["expr"].replace("$__rate_interval", "5m")
                assert faults(asked) == [], panel["title"]
                for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                    assert label in TARGET or f"by ({label}" in asked, (panel["title"], label)

    @pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
    def test_ids_are_given_once_and_the_source_is_asked_for(self, file: Path) -> None:
        dashboard = json.loads(file.read_text())
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert ids == list(range(1, len(ids) + 1))
        variables = {one["name"]: one["type"] for one in dashboard["templating"]["list"]}
        assert variables == {"source": "datasource", "process": "query"}
        assert {panel["datasource"]["uid"] for panel in charts(dashboard)} == {"${source}"}

    @pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
    def test_no_panel_lies_on_another(self, file: Path) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(file.read_text())["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells

    def test_each_has_an_address_of_its_own(self) -> None:
        assert len({json.loads(file.read_text())["uid"] for file in DASHBOARDS}) == len(DASHBOARDS) == 3

    def test_all_that_is_measured_is_shown_somewhere(self) -> None:
        shown = " ".join(file.read_text() for file in DASHBOARDS)
        ours = {name for names in REGISTRY._collector_to_names.values() for name in names[:1] if name.startswith("porchlight_")}
        assert {name for name in ours if name not in shown} == set()
