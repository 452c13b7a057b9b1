"""What is watched: logs, alarms, the dashboard."""

import json
import re
from typing import Any

from tests.infra.apply.checks.registry import Checks, Stack
from tests.infra.terraform import SOURCE

CHECKS = Checks()
NAME = "porchlight-production"


@CHECKS("Logs are kept for as long as was said, and what people's machines wrote is encrypted.")
def logs(stack: Stack) -> None:
    found = stack.aws.all("logs", "describe_log_groups", "logGroups")
    own = {each["logGroupName"]: each for each in found if each["logGroupName"].startswith(f"/{NAME}/")}
    parts = ("agent", "metrics", "migrate", "network", "prepare", "web", "worker", "ws")
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


@CHECKS("There is an alarm for each way to lose people, messages or money.")
def alarms_for_all(stack: Stack) -> None:
    names = {
        each["AlarmName"].removeprefix(f"{NAME}-") for each in stack.aws.all("cloudwatch", "describe_alarms", "MetricAlarms")
    }
    wanted = {
        "console-edge-errors",
        "widget-edge-errors",
        "console-server-errors",
        "widget-ws-unhealthy",
        "console-slow",
        "ws-too-few",
        "crowded",
        "bus-down",
        "database-processor",
        "database-connections",
        "database-storage",
        "valkey-0-memory",
        "valkey-1-memory",
        "jobs-late",
        "jobs-failed",
    }
    assert wanted <= names, wanted - names


@CHECKS("The README says of each alarm what to do about it.")
def alarms_told(stack: Stack) -> None:
    told = re.findall(r"`([a-z-]+)`", (SOURCE / "README.md").read_text().partition("## Alarms")[2].partition("## ")[0])
    for alarm in _alarms(stack):
        name = alarm["AlarmName"]
        assert name.startswith("TargetTracking-") or any(name.endswith(f"-{each}") for each in told), name


@CHECKS("The dashboard shows sockets, edges, tasks, the database and the bus.")
def dashboard(stack: Stack) -> None:
    body = stack.aws.client("cloudwatch").get_dashboard(DashboardName=NAME)["DashboardBody"]
    spaces = {metric[0] for widget in json.loads(body)["widgets"] for metric in widget["properties"]["metrics"]}
    assert spaces == {
        "Porchlight/production",
        "AWS/ApplicationELB",
        "ECS/ContainerInsights",
        "AWS/ECS",
        "AWS/RDS",
        "AWS/ElastiCache",
    }


def _alarms(stack: Stack) -> list[dict[str, Any]]:
    return stack.aws.all("cloudwatch", "describe_alarms", "MetricAlarms")
