"""Who can reach whom."""

from typing import Any

from tests.infra.apply.checks.registry import Checks, Stack

CHECKS = Checks()
ANYWHERE = "0.0.0.0/0"


@CHECKS("Public, private and data subnets lie in two zones, and no data subnet has a way out.")
def subnets(stack: Stack) -> None:
    found = stack.aws.all("ec2", "describe_subnets", "Subnets", Filters=[{"Name": "tag:Project", "Values": ["porchlight"]}])
    zones = {kind: {each["AvailabilityZone"] for each in found if f"-{kind}-" in _name(each)} for kind in KINDS}
    assert {kind: len(each) for kind, each in zones.items()} == dict.fromkeys(KINDS, 2), zones
    data = next(each for each in stack.aws.all("ec2", "describe_route_tables", "RouteTables") if _name(each).endswith("-data"))
    assert not [route for route in data["Routes"] if route.get("DestinationCidrBlock") == ANYWHERE], data["Routes"]
    assert len(data["Associations"]) == 2


@CHECKS("Private subnets go out by the NAT of their own zone, never by the internet gateway.")
def ways_out(stack: Stack) -> None:
    tables = [each for each in stack.aws.all("ec2", "describe_route_tables", "RouteTables") if "-private-" in _name(each)]
    outs = [route for table in tables for route in table["Routes"] if route.get("DestinationCidrBlock") == ANYWHERE]
    assert len({route["NatGatewayId"] for route in outs}) == len(tables) == 2
    assert not [route for route in outs if route.get("GatewayId", "").startswith("igw-")]


@CHECKS("Only the consoles' load balancer is open to the world, and only on 80 and 443.")
def open_to_the_world(stack: Stack) -> None:
    doors = [
        (rule["GroupName"], allowed["FromPort"])
        for rule in stack.aws.all("ec2", "describe_security_groups", "SecurityGroups")
        if rule["GroupName"].startswith("porchlight-")
        for allowed in rule["IpPermissions"]
        if any(each["CidrIp"] == ANYWHERE for each in allowed.get("IpRanges", []))
    ]
    assert sorted(doors) == [("porchlight-production-console", 80), ("porchlight-production-console", 443)], doors


@CHECKS("The widget's load balancer takes connections from CloudFront alone.")
def widget_is_behind_cloudfront(stack: Stack) -> None:
    lists = stack.aws.all("ec2", "describe_managed_prefix_lists", "PrefixLists")
    cloudfront = next(each for each in lists if each["PrefixListName"].endswith("cloudfront.origin-facing"))
    taken = _rules(stack, "porchlight-production-widget")
    assert [each["PrefixListId"] for each in taken] == [cloudfront["PrefixListId"]], taken


@CHECKS("The database and the bus take connections from the tasks alone.")
def stores_are_closed(stack: Stack) -> None:
    tasks = _group(stack, "porchlight-production-tasks")["GroupId"]
    for store, port in (("database", 5432), ("valkey", 6379)):
        found = _group(stack, f"porchlight-production-{store}")["IpPermissions"]
        assert [(each["FromPort"], each["ToPort"]) for each in found] == [(port, port)], found
        assert [each["GroupId"].rpartition("/")[2] for each in found[0]["UserIdGroupPairs"]] == [tasks], found
        assert not found[0].get("IpRanges"), found


@CHECKS("What is refused on the network is written down.")
def flow_log(stack: Stack) -> None:
    found = stack.aws.all("ec2", "describe_flow_logs", "FlowLogs")
    assert [each["TrafficType"] for each in found] == ["REJECT"], found


KINDS = ("public", "private", "data")


def _name(thing: dict[str, Any]) -> str:
    return next((str(tag["Value"]) for tag in thing.get("Tags", []) if tag["Key"] == "Name"), "")


def _group(stack: Stack, name: str) -> dict[str, Any]:
    found = stack.aws.all("ec2", "describe_security_groups", "SecurityGroups")
    return next(dict(each) for each in found if each["GroupName"] == name)


def _rules(stack: Stack, name: str) -> list[dict[str, Any]]:
    """The lists of addresses that may come in, flattened."""
    return [each for allowed in _group(stack, name)["IpPermissions"] for each in allowed.get("PrefixListIds", [])]
