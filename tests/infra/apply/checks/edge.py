"""What stands before the servers: load balancers, CloudFront, names, certificates, firewalls."""

from typing import Any

from tests.infra.apply.aws import EDGE_REGION
from tests.infra.apply.checks.registry import Checks, Stack
from tests.infra.names import number_of

CHECKS = Checks()
CDN_HEADER = "x-porchlight-cdn"
PING_SECONDS = number_of("PING_SECONDS", "chat/realtime/protocol/codes.py")


@CHECKS("A silent connection outlives two pings at both load balancers.")
def idle_timeout(stack: Stack) -> None:
    for name in ("console", "widget"):
        assert int(_attributes(stack, name)["idle_timeout.timeout_seconds"]) > 2 * PING_SECONDS


@CHECKS("The last address of X-Forwarded-For is the client's on both ways.")
def forwarded_for(stack: Stack) -> None:
    found = {name: _attributes(stack, name)["routing.http.xff_header_processing.mode"] for name in ("console", "widget")}
    assert found == {"console": "append", "widget": "preserve"}


@CHECKS("The load balancers write down who connected, and no address of a request; the firewalls show none.")
def nothing_that_lets_in(stack: Stack) -> None:
    for name in ("console", "widget"):
        attributes = _attributes(stack, name)
        assert attributes["connection_logs.s3.enabled"] == "true"
        assert attributes.get("access_logs.s3.enabled", "false") == "false"
    for scope, region in (("REGIONAL", stack.aws.environment["AWS_REGION"]), ("CLOUDFRONT", EDGE_REGION)):
        found = _firewall(stack, scope, region)
        shown = [each["VisibilityConfig"]["SampledRequestsEnabled"] for each in (found, *found["Rules"])]
        assert shown == [False] * 4, scope


@CHECKS("Sockets go to the servers of sockets, everything else to those of pages, over TLS.")
def console_routes(stack: Stack) -> None:
    listener = _listener(stack, "console", 443)
    assert listener["Protocol"] == "HTTPS"
    assert _target(listener["DefaultActions"]) == _group(stack, "console-web")
    rules = _rules(stack, listener)
    assert [(_condition(each, "path-pattern"), _target(each["Actions"])) for each in rules] == [
        (["/ws/*"], _group(stack, "console-ws"))
    ]


@CHECKS("In the clear there is only a redirect.")
def redirect(stack: Stack) -> None:
    (action,) = _listener(stack, "console", 80)["DefaultActions"]
    assert action["RedirectConfig"]["Protocol"] == "HTTPS"
    widget = _balancer(stack, "widget")["LoadBalancerArn"]
    ports = [each["Port"] for each in stack.aws.all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=widget)]
    assert ports == [443]


@CHECKS("The widget's load balancer serves whoever shows CloudFront's key, and refuses everybody else.")
def widget_routes(stack: Stack) -> None:
    listener = _listener(stack, "widget", 443)
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "403"
    (origin,) = _distribution(stack)["Origins"]["Items"]
    shown = {each["HeaderName"]: each["HeaderValue"] for each in origin["CustomHeaders"]["Items"]}
    rules = _rules(stack, listener)
    assert [_condition(each, "http-header", "HttpHeaderConfig") for each in rules] == [[shown[CDN_HEADER]]] * 2
    assert [(_condition(each, "path-pattern"), _target(each["Actions"])) for each in rules] == [
        (["/ws/*"], _group(stack, "widget-ws")),
        (["/*"], _group(stack, "widget-web")),
    ]
    assert len(shown[CDN_HEADER]) >= 40


@CHECKS("Targets are judged by themselves, not by what they need, and have two minutes for a drain.")
def draining(stack: Stack) -> None:
    found = stack.aws.all("elbv2", "describe_target_groups", "TargetGroups")
    assert {each["HealthCheckPath"] for each in found} == {"/healthz/live"}
    assert len(found) == 4
    for group in found:
        said = stack.aws.client("elbv2").describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
        attributes = {each["Key"]: each["Value"] for each in said}
        assert attributes["deregistration_delay.timeout_seconds"] == "120"
        assert attributes["load_balancing.algorithm.type"] == "least_outstanding_requests"


@CHECKS(
    "CloudFront serves the widget's host, keeps the loader, configs, pictures and static files, and passes the rest on uncached."
)
def cdn(stack: Stack) -> None:
    found = _distribution(stack)
    assert found["Aliases"]["Items"] == ["widget.porchlight.example"]
    kept = [each["PathPattern"] for each in found["CacheBehaviors"]["Items"]]
    assert kept == ["/porchlight.js", "/w/*/config", "/w/*/logo/*", "/static/*"]
    rest = found["DefaultCacheBehavior"]
    assert rest["CachePolicyId"] != found["CacheBehaviors"]["Items"][0]["CachePolicyId"]
    assert set(rest["AllowedMethods"]["Items"]) >= {"GET", "POST", "DELETE"}
    assert rest["ViewerProtocolPolicy"] == "https-only"
    assert found["Origins"]["Items"][0]["DomainName"] == _balancer(stack, "widget")["DNSName"]


@CHECKS("One certificate holds the platform's name and every tenant's, here and where CloudFront looks for it.")
def certificates(stack: Stack) -> None:
    for region in (stack.aws.environment["AWS_REGION"], EDGE_REGION):
        acm = stack.aws.client("acm", region)
        (listed,) = acm.list_certificates()["CertificateSummaryList"]
        found = acm.describe_certificate(CertificateArn=listed["CertificateArn"])["Certificate"]
        assert found["Status"] == "ISSUED"
        assert set(found["SubjectAlternativeNames"]) == {"porchlight.example", "*.porchlight.example"}


@CHECKS("Names: the platform and the tenants' wildcard lead to the load balancer, the widget to CloudFront.")
def names(stack: Stack) -> None:
    zones = stack.aws.client("route53").list_hosted_zones()["HostedZones"]
    records = stack.aws.client("route53").list_resource_record_sets(HostedZoneId=zones[0]["Id"])["ResourceRecordSets"]
    led = {
        each["Name"].replace("\\052", "*").rstrip("."): each["AliasTarget"]["DNSName"].rstrip(".")
        for each in records
        if "AliasTarget" in each
    }
    console = _balancer(stack, "console")["DNSName"]
    assert led["porchlight.example"] == led["*.porchlight.example"] == console
    assert led["widget.porchlight.example"] not in ("", console)
    assert [each for each in records if each["Type"] == "CAA"]


@CHECKS("Both firewalls refuse an address that asks too often, each where it sees the client's own address.")
def firewalls(stack: Stack) -> None:
    for scope, region in (("REGIONAL", stack.aws.environment["AWS_REGION"]), ("CLOUDFRONT", EDGE_REGION)):
        found = _firewall(stack, scope, region)
        rate = next(each for each in found["Rules"] if each["Name"] == "rate")
        assert rate["Statement"]["RateBasedStatement"]["Limit"] == 6000
        assert "Block" in rate["Action"]
        assert scope != "CLOUDFRONT" or _distribution(stack)["WebACLId"] == found["ARN"]
    console = _balancer(stack, "console")["LoadBalancerArn"]
    held = stack.aws.client("wafv2").get_web_acl_for_resource(ResourceArn=console)
    assert held["WebACL"]["Name"] == "porchlight-production-console"


def _firewall(stack: Stack, scope: str, region: str) -> dict[str, Any]:
    waf = stack.aws.client("wafv2", region)
    (listed,) = waf.list_web_acls(Scope=scope)["WebACLs"]
    return dict(waf.get_web_acl(Name=listed["Name"], Scope=scope, Id=listed["Id"])["WebACL"])


def _balancer(stack: Stack, name: str) -> dict[str, Any]:
    found = stack.aws.all("elbv2", "describe_load_balancers", "LoadBalancers", Names=[f"porchlight-production-{name}"])
    return dict(found[0])


def _attributes(stack: Stack, name: str) -> dict[str, str]:
    arn = _balancer(stack, name)["LoadBalancerArn"]
    said = stack.aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {each["Key"]: each["Value"] for each in said}


def _listener(stack: Stack, name: str, port: int) -> dict[str, Any]:
    arn = _balancer(stack, name)["LoadBalancerArn"]
    found = stack.aws.all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
    return next(dict(each) for each in found if each["Port"] == port)


def _rules(stack: Stack, listener: dict[str, Any]) -> list[dict[str, Any]]:
    """Those beside the default, the most urgent first."""
    found = stack.aws.client("elbv2").describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    return sorted((each for each in found if not each["IsDefault"]), key=lambda each: int(each["Priority"]))


def _condition(rule: dict[str, Any], field: str, config: str = "PathPatternConfig") -> list[str]:
    found = next(each for each in rule["Conditions"] if each["Field"] == field)
    return list(found[config]["Values"] if config in found else found["Values"])


def _target(actions: list[dict[str, Any]]) -> str:
    (action,) = actions
    assert action["Type"] == "forward", action
    return str(action.get("TargetGroupArn") or action["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"])


def _group(stack: Stack, name: str) -> str:
    found = stack.aws.all("elbv2", "describe_target_groups", "TargetGroups", Names=[f"production-{name}"])
    return str(found[0]["TargetGroupArn"])


def _distribution(stack: Stack) -> dict[str, Any]:
    cloudfront = stack.aws.client("cloudfront")
    (listed,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    return dict(cloudfront.get_distribution(Id=listed["Id"])["Distribution"]["DistributionConfig"])
