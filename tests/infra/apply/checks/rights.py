"""Who may do what: each role, and the keys."""

import json
from typing import Any

from tests.infra.apply.checks.registry import Checks, Stack

CHECKS = Checks()
NAME = "porchlight-production"
TASKS = ("web", "ws", "worker", "migrate", "prepare", "plans")
HEALTH = "elasticloadbalancing:DescribeTargetHealth"
WITHOUT_RESOURCE = {"ecr:GetAuthorizationToken", HEALTH}


@CHECKS("No role may do everything of anything, or anything on everything.")
def no_stars(stack: Stack) -> None:
    roles = _roles(stack)
    assert len(roles) == 2 * len(TASKS) + 2
    for role in roles:
        for statement in _statements(stack, role):
            actions = _list(statement["Action"])
            assert not [each for each in actions if "*" in each], (role, actions)
            assert "*" not in _list(statement["Resource"]) or set(actions) <= WITHOUT_RESOURCE, (role, statement)


@CHECKS("Roles are taken on by AWS's own services, for this installation's things alone.")
def who_takes_them_on(stack: Stack) -> None:
    for role in _roles(stack):
        document = stack.aws.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        for statement in document["Statement"]:
            assert set(statement["Principal"]) == {"Service"}, (role, statement)
            assert "aws:SourceAccount" in statement["Condition"]["StringEquals"], (role, statement)


@CHECKS("Who starts a task reads that task's secrets and no others: sockets have to do with neither Stripe, mail nor the owner.")
def secrets(stack: Stack) -> None:
    made = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
    read = {name: _secrets_of(stack, f"{NAME}-{name}-start") for name in TASKS}
    assert read["web"] == made | {"STRIPE_SECRET_KEY", "STRIPE_THIN_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET"}
    assert read["worker"] == made | {"EMAIL_PASSWORD", "EMAIL_USER", "STRIPE_SECRET_KEY"}
    assert read["migrate"] == made
    assert read["ws"] == made - {"DATABASE_OWNER_URL"}
    assert read["plans"] == {"SECRET_KEY", "DATABASE_URL", "STRIPE_SECRET_KEY"}
    without = {"REDIS_URL", "SECRET_KEY_FALLBACKS"}
    assert read["prepare"] > made - without
    assert len(read["prepare"]) == len(made) - 1, "the administrator's login in the place of both"
    assert not without & read["prepare"]


@CHECKS("Who starts a task uses the key for secrets alone.")
def key_of_secrets(stack: Stack) -> None:
    for name in TASKS:
        (held,) = [each for each in _statements(stack, f"{NAME}-{name}-start") if _list(each["Action"]) == ["kms:Decrypt"]]
        assert held["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}}, name


@CHECKS("Servers of pages and the worker reach tenants' files and nothing else; servers of sockets may ask how targets stand.")
def files(stack: Stack) -> None:
    bucket = f"arn:aws:s3:::{stack.outputs['files_bucket']}"
    for name in ("web", "worker"):
        held = [each for each in _statements(stack, f"{NAME}-{name}") if _list(each["Action"])[0].startswith("s3:")]
        assert {resource for each in held for resource in _list(each["Resource"])} == {bucket, f"{bucket}/tenants/*"}
    for name in ("ws", "migrate", "prepare", "plans"):
        actions = {action for each in _statements(stack, f"{NAME}-{name}") for action in _list(each["Action"])}
        expected = {HEALTH} if name == "ws" else set()
        assert {each for each in actions if not each.startswith("logs:")} == expected, (name, actions)


@CHECKS("What is stored is encrypted with a key of this installation, which is renewed each year.")
def keys(stack: Stack) -> None:
    kms = stack.aws.client("kms")
    key = kms.describe_key(KeyId=f"alias/{NAME}")["KeyMetadata"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    (database,) = stack.aws.all("rds", "describe_db_instances", "DBInstances")
    assert database["KmsKeyId"] == key["Arn"]
    for secret in stack.aws.all("secretsmanager", "list_secrets", "SecretList"):
        assert not secret["Name"].startswith(NAME) or secret["KmsKeyId"] == key["Arn"], secret["Name"]


@CHECKS("Images keep their tags, and are looked through when they come.")
def images(stack: Stack) -> None:
    (found,) = stack.aws.all("ecr", "describe_repositories", "repositories")
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}


def _roles(stack: Stack) -> list[str]:
    return [each["RoleName"] for each in stack.aws.all("iam", "list_roles", "Roles") if each["RoleName"].startswith(NAME)]


def _statements(stack: Stack, role: str) -> list[dict[str, Any]]:
    iam = stack.aws.client("iam")
    found = []
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        found += _list(document["Statement"] if isinstance(document, dict) else json.loads(document)["Statement"])
    return found


def _secrets_of(stack: Stack, role: str) -> set[str]:
    """By the last part of their names."""
    names = {each["ARN"]: each["Name"] for each in stack.aws.all("secretsmanager", "list_secrets", "SecretList")}
    statements = [each for each in _statements(stack, role) if _list(each["Action"]) == ["secretsmanager:GetSecretValue"]]
    return {names[arn].rpartition("/")[2] for each in statements for arn in _list(each["Resource"])}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
