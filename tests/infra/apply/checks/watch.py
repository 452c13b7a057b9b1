"""What is watched: logs, alarms, the dashboard."""

import json
from typing import Any

from tests.infra.apply.aws import EDGE_REGION, REGION
from tests.infra.apply.checks.registry import Checks, Stack
from tests.infra.told import paging, rows

CHECKS = Checks()
NAME = "porchlight-production"
OWN = "Porchlight/production"
SERVERS = ("web", "ws", "worker")


@CHECKS("Logs are kept for as long as was said, and what people's machines wrote is encrypted.")
def logs(stack: Stack) -> None:
    found = stack.aws.all("logs", "describe_log_groups", "logGroups")
    own = {each["logGroupName"]: each for each in found if each["logGroupName"].startswith(f"/{NAME}/")}
    parts = ("agent", "metrics", "migrate", "network", "plans", "prepare", "web", "worker", "ws")
    assert set(own) == {f"/{NAME}/{part}" for part in parts}
    assert {each["retentionInDays"] for name, each in own.items() if name != f"/{NAME}/metrics"} == {30}
    assert all(each.get("kmsKeyId") for each in own.values())


@CHECKS("Every alarm says in words what is the matter, and is told to somebody, as is its end.")
def alarms(stack: Stack) -> None:
    found = [each for each in _alarms(stack) if not each["AlarmName"].startswith("TargetTracking-")]  # scaling's own
    assert len(found) > 20
    (topic,) = stack.aws.all("sns", "list_topics", "Topics")
    for alarm in found:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic["TopicArn"]], alarm["AlarmName"]
        assert len(alarm["AlarmDescription"]) > 20, alarm["AlarmName"]
    (reader,) = stack.aws.all("sns", "list_subscriptions", "Subscriptions")
    assert (reader["Protocol"], reader["Endpoint"]) == ("email", "operators@porchlight.example")


@CHECKS("There is an alarm for each alert of Prometheus that wakes somebody.")
def alarms_for_all(stack: Stack) -> None:
    names = [each["AlarmName"] for each in (*_alarms(stack), *_outside(stack))]
    made = {anchor for row, anchors in rows() for anchor in anchors if all(_is_made(end, names) for end in row)}
    assert paging() <= made, paging() - made


@CHECKS("The README says of each alarm what to do about it.")
def alarms_told(stack: Stack) -> None:
    told = {name for row, _ in rows() for name in row}
    for alarm in (*_alarms(stack), *_outside(stack)):
        name = alarm["AlarmName"]
        assert name.startswith("TargetTracking-") or any(name.endswith(f"-{each}") for each in told), name


@CHECKS("Each alarm on what servers tell asks for what their agents bring, and one for each says when they bring nothing.")
def alarms_hear(stack: Stack) -> None:
    silent = set()
    for alarm in _alarms(stack):
        for metric in _metrics(alarm):
            brought = _brought(stack, metric["service"])
            assert (metric["name"], metric.get("result", "")) in brought, (alarm["AlarmName"], metric)
        if alarm["AlarmName"].endswith("-silent"):
            assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("SampleCount", "breaching")
            silent |= {metric["service"] for metric in _metrics(alarm)}
    assert silent == set(SERVERS)


@CHECKS("Every server of the bus is watched, whichever is the primary.")
def nodes(stack: Stack) -> None:
    wanted = {f"{NAME}-{primary}-{node:03}" for primary in range(2) for node in (1, 2)}
    for name in ("memory", "processor"):
        found = [
            each["Dimensions"][0]["Value"]
            for each in _alarms(stack)
            if each.get("Namespace") == "AWS/ElastiCache" and each["AlarmName"].endswith(f"-{name}")
        ]
        assert set(found) == wanted
    shown = json.dumps(_dashboard(stack))
    assert all(node in shown for node in wanted)


@CHECKS("Every certificate is watched where it is, and whoever is told of the rest is told before it ends.")
def certificates(stack: Stack) -> None:
    for region, alarms in ((REGION, _alarms(stack)), (EDGE_REGION, _outside(stack))):
        held = {each["CertificateArn"] for each in stack.aws.client("acm", region).list_certificates()["CertificateSummaryList"]}
        watching = [each for each in alarms if each.get("Namespace") == "AWS/CertificateManager"]
        assert {each["Dimensions"][0]["Value"] for each in watching} == held
        (topic,) = stack.aws.client("sns", region).list_topics()["Topics"]
        assert all(each["AlarmActions"] == each["OKActions"] == [topic["TopicArn"]] for each in watching)


@CHECKS("The dashboard shows sockets, edges, tasks, the database and the bus.")
def dashboard(stack: Stack) -> None:
    spaces = {metric[0] for widget in _dashboard(stack)["widgets"] for metric in widget["properties"]["metrics"]}
    assert spaces == {
        OWN,
        "AWS/ApplicationELB",
        "ECS/ContainerInsights",
        "AWS/ECS",
        "AWS/RDS",
        "AWS/ElastiCache",
    }


def _alarms(stack: Stack) -> list[dict[str, Any]]:
    return stack.aws.all("cloudwatch", "describe_alarms", "MetricAlarms")


def _outside(stack: Stack) -> list[dict[str, Any]]:
    """Those of what is seen from outside, which is told in one region alone."""
    return list(stack.aws.client("cloudwatch", EDGE_REGION).describe_alarms()["MetricAlarms"])


def _is_made(end: str, names: list[str]) -> bool:
    return any(name.endswith(f"-{end}") for name in names)


def _metrics(alarm: dict[str, Any]) -> list[dict[str, str]]:
    """What it asks for of our own, with the dimensions."""
    asked = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [alarm]
    return [
        {"name": each["MetricName"]} | {one["Name"]: one["Value"] for one in each["Dimensions"]}
        for each in asked
        if each.get("Namespace") == OWN
    ]


def _brought(stack: Stack, service: str) -> set[tuple[str, str]]:
    """What the agent beside a service is told to bring: names, each with a result or none."""
    found = stack.aws.client("ecs").describe_task_definition(taskDefinition=f"{NAME}-{service}")["taskDefinition"]
    agent = next(each for each in found["containerDefinitions"] if each["name"] == "metrics")
    told = json.loads(next(each["value"] for each in agent["environment"] if each["name"] == "CW_CONFIG_CONTENT"))
    declared = told["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"]
    return {
        (selector.strip("^$"), result)
        for each in declared
        for selector in each["metric_selectors"]
        for result in (each["label_matcher"].strip("^$()").split("|") if each["source_labels"] == ["result"] else [""])
    }


def _dashboard(stack: Stack) -> dict[str, Any]:
    return dict(json.loads(stack.aws.client("cloudwatch").get_dashboard(DashboardName=NAME)["DashboardBody"]))
