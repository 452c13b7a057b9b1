"""What runs: tasks, their settings, how many of them."""

from typing import Any

from tests.infra.apply.checks.registry import Checks, Stack
from tests.infra.names import LIBRARIES, names_read
from tests.infra.pasted import run_with

CHECKS = Checks()
CLUSTER = "porchlight-production"
SERVERS = ("web", "ws", "worker")
ONE_OFF = ("migrate", "prepare", "plans")


@CHECKS("Three services run without a public address; those that are reached hang on both load balancers.")
def services(stack: Stack) -> None:
    found = stack.aws.client("ecs").describe_services(cluster=CLUSTER, services=list(SERVERS))["services"]
    assert sorted(each["serviceName"] for each in found) == sorted(SERVERS)
    for service in found:
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        assert network["assignPublicIp"] == "DISABLED"
    doors = {each["serviceName"]: len(each["loadBalancers"]) for each in found}
    assert doors == {"web": 2, "ws": 2, "worker": 0}


@CHECKS("Each task runs its own command.")
def commands(stack: Stack) -> None:
    serve = ["python", "-m", "saas.serve", "--host", "0.0.0.0", "--port", "8000"]
    expected = {
        "web": serve,
        "ws": serve,
        "worker": ["python", "-m", "saas.worker"],
        "migrate": ["python", "manage.py", "migrate_tenants"],
        "prepare": ["python", "manage.py", "prepare_database"],
        "plans": ["python", "manage.py", "sync_plans"],
    }
    assert {name: _container(stack, name)["command"] for name in expected} == expected


@CHECKS("Every variable and secret of a task is one that the server reads.")
def settings(stack: Stack) -> None:
    known = names_read() | LIBRARIES
    for name in (*SERVERS, *ONE_OFF):
        container = _container(stack, name)
        given = [each["name"] for each in (*container["environment"], *container["secrets"])]
        assert set(given) <= known, (name, set(given) - known)
        assert len(given) == len(set(given)), (name, given)


@CHECKS("Secrets come from Secrets Manager, and none stands among the variables.")
def secrets(stack: Stack) -> None:
    stored = {each["ARN"]: each["Name"] for each in stack.aws.all("secretsmanager", "list_secrets", "SecretList")}
    for name in SERVERS:
        container = _container(stack, name)
        for each in container["secrets"]:
            assert stored[each["valueFrom"]] == f"{CLUSTER}/{each['name']}"
        secret = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL"}
        assert not secret & {each["name"] for each in container["environment"]}


@CHECKS("Servers of sockets serve sockets and do not hold the owner's password; servers of pages serve pages.")
def parts(stack: Stack) -> None:
    given = {name: {each["name"]: each["value"] for each in _container(stack, name)["environment"]} for name in SERVERS}
    assert (given["web"]["PORCHLIGHT_SERVES"], given["ws"]["PORCHLIGHT_SERVES"]) == ("web", "ws")
    assert given["ws"]["DATABASE_OWNER_URL"] == "postgresql://nobody@localhost/none"
    assert {each["WORKER_IN_PROCESS"] for each in given.values()} == {"0"}


@CHECKS("Servers of sockets know in which target groups they are, and nobody else asks.")
def own_targets(stack: Stack) -> None:
    given = {name: {each["name"]: each["value"] for each in _container(stack, name)["environment"]} for name in SERVERS}
    names = ["production-console-ws", "production-widget-ws"]
    groups = stack.aws.all("elbv2", "describe_target_groups", "TargetGroups", Names=names)
    assert set(given["ws"]["TARGET_GROUP_ARNS"].split()) == {each["TargetGroupArn"] for each in groups}
    assert [name for name in SERVERS if "TARGET_GROUP_ARNS" in given[name]] == ["ws"]


@CHECKS("Containers write nowhere but to their volume, hold no capability, and have two minutes to leave.")
def hardening(stack: Stack) -> None:
    for name in (*SERVERS, *ONE_OFF):
        container = _container(stack, name)
        assert container["readonlyRootFilesystem"] is True
        assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
        assert container["stopTimeout"] == 120
        assert [each["containerPath"] for each in container["mountPoints"]] == ["/var/lib/porchlight"]


@CHECKS("Beside each server an agent brings its metrics to CloudWatch, from its private port.")
def agents(stack: Stack) -> None:
    for name in SERVERS:
        definition = _definition(stack, name)
        agent = next(each for each in definition["containerDefinitions"] if each["name"] == "metrics")
        said = {each["name"]: each["value"] for each in agent["environment"]}
        own = {each["name"]: each["value"] for each in _container(stack, name)["environment"]}
        assert f"127.0.0.1:{own['METRICS_PORT']}" in said["PROMETHEUS_CONFIG_CONTENT"]
        assert agent["essential"] is False


@CHECKS("Scaling has the limits of the variables: ws by its sockets per task, all by their processor.")
def scaling(stack: Stack) -> None:
    client = stack.aws.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    limits = {each["ResourceId"].rpartition("/")[2]: (each["MinCapacity"], each["MaxCapacity"]) for each in targets}
    assert limits == {"web": (2, 8), "ws": (3, 25), "worker": (2, 4)}
    policies = client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    rules = [each["TargetTrackingScalingPolicyConfiguration"] for each in policies]
    (own,) = [each for each in rules if "CustomizedMetricSpecification" in each]
    metric = own["CustomizedMetricSpecification"]
    assert (metric["MetricName"], metric["Statistic"], own["TargetValue"]) == ("porchlight_sockets", "Average", 4000)
    assert metric["Dimensions"] == [{"Name": "service", "Value": "ws"}]
    assert len(rules) == 1 + len(SERVERS)


@CHECKS("Commands that are run once are told, with their task and their subnets; they wait for its end, and fail with it.")
def one_off(stack: Stack) -> None:
    for name in ONE_OFF:
        said = stack.outputs["one_off"][name]
        assert f"--task-definition {CLUSTER}-{name}" in said
        assert said.count("subnet-") == 2
        for status, asked in {"0": "{}", "1": "", "None": ""}.items():  # None: it never started
            done = run_with(AWS.format(status=status), said, OVERRIDES=asked)
            assert (done.returncode == 0, "--overrides {}" in done.stderr) == (status == "0", bool(asked)), done
            assert done.stderr.index("run-task") < done.stderr.index("wait tasks-stopped") < done.stderr.index("describe-tasks")


# In the place of the client that an operator has: says what it is asked for, and how the task ended.
AWS = """#!/bin/sh
echo "$@" >&2
case "$2" in run-task) echo arn:of-the-task ;; describe-tasks) echo {status} ;; esac
"""


def _definition(stack: Stack, name: str) -> dict[str, Any]:
    found = stack.aws.client("ecs").describe_task_definition(taskDefinition=f"{CLUSTER}-{name}")
    return dict(found["taskDefinition"])


def _container(stack: Stack, name: str) -> dict[str, Any]:
    found = _definition(stack, name)["containerDefinitions"]
    return next(dict(each) for each in found if each["name"] == "porchlight")
