"""What is stored: the database, the bus, files."""

import json
import os
import shutil
import subprocess
from typing import Any

from tests.infra.apply import shims
from tests.infra.apply.checks.registry import Checks, Stack
from tests.infra.names import ROOT
from tests.infra.pasted import commands, run_with

CHECKS = Checks()
NAME = "porchlight-production"
KEEP_A_FILE = """
import uuid
import django
django.setup()
from saas.core import files
from saas.core.errors import NotFound
tenant, other = uuid.uuid4(), uuid.uuid4()
kept = files.put(tenant, b"hello")
assert files.open_file(tenant, kept).read() == b"hello"
assert (files.size(tenant, kept), list(files.files_of(tenant)), files.total_size(tenant)) == (5, [kept], 5)
try:
    files.open_file(other, kept)
except NotFound:
    pass
else:
    raise AssertionError("another tenant reads it")
assert files.delete_all(tenant) == 1
assert list(files.files_of(tenant)) == []
"""
# The client of AWS's, but for the waiting: here no service ever gets well, for nothing runs.
CLIENT = """#!/bin/sh
test "$1 $2" = "ecs wait" || exec {real} "$@"
"""


@CHECKS("The database is PostgreSQL 18, private, encrypted, with a standby, backups and a lock against deletion.")
def database(stack: Stack) -> None:
    (found,) = stack.aws.all("rds", "describe_db_instances", "DBInstances")
    assert (found["Engine"], found["EngineVersion"].split(".")[0]) == ("postgres", "18")
    assert (found["PubliclyAccessible"], found["StorageEncrypted"], found["MultiAZ"]) == (False, True, True)
    assert (found["BackupRetentionPeriod"], found["DeletionProtection"]) == (14, True)
    subnets = {each["SubnetIdentifier"] for each in found["DBSubnetGroup"]["Subnets"]}
    data = {each["SubnetId"] for each in stack.aws.all("ec2", "describe_subnets", "Subnets") if _tagged(each, "-data-")}
    assert subnets == data


@CHECKS("The database refuses the clear, keeps what it acknowledged, takes the connections of all tasks, and logs no words.")
def database_parameters(stack: Stack) -> None:
    (found,) = stack.aws.all("rds", "describe_db_instances", "DBInstances")
    group = found["DBParameterGroups"][0]["DBParameterGroupName"]
    said = stack.aws.all("rds", "describe_db_parameters", "Parameters", DBParameterGroupName=group)
    values = {each["ParameterName"]: each["ParameterValue"] for each in said}
    expected = {"rds.force_ssl": "1", "synchronous_commit": "on", "max_connections": "1100"}
    expected |= {"log_min_duration_statement": "-1", "log_min_error_statement": "panic", "log_error_verbosity": "terse"}
    assert {name: values.get(name) for name in expected} == expected


@CHECKS("The two logins have passwords of their own, and the administrator's is kept by RDS.")
def logins(stack: Stack) -> None:
    app, owner = (_secret(stack, name) for name in ("DATABASE_URL", "DATABASE_OWNER_URL"))
    (found,) = stack.aws.all("rds", "describe_db_instances", "DBInstances")
    address = f"@{found['Endpoint']['Address']}:{found['Endpoint']['Port']}/porchlight"
    assert app.startswith("postgresql://porch_app:")
    assert owner.startswith("postgresql://porch_owner:")
    assert app.endswith(address)
    assert owner.endswith(address)
    passwords = {url.removesuffix(address).rpartition(":")[2] for url in (app, owner)} | {_secret(stack, "SECRET_KEY")}
    assert len(passwords) == 3
    assert all(len(each) >= 50 and each.isalnum() for each in passwords)
    assert found["MasterUserSecret"]["SecretArn"]


@CHECKS("The bus has two primaries with a replica each, encrypted, behind one token, and never evicts.")
def bus(stack: Stack) -> None:
    listed = stack.aws.all("elasticache", "describe_replication_groups", "ReplicationGroups")
    found = sorted(listed, key=lambda group: str(group["ReplicationGroupId"]))
    assert [each["ReplicationGroupId"] for each in found] == [f"{NAME}-0", f"{NAME}-1"]
    for group in found:
        kept = (group["AtRestEncryptionEnabled"], group["TransitEncryptionEnabled"], group["AuthTokenEnabled"])
        assert (*kept, group["AutomaticFailover"], group["ClusterEnabled"]) == (True, True, True, "enabled", False), group
        assert len(group["MemberClusters"]) == 2, group
    urls = _secret(stack, "REDIS_URL").split()
    hosts = [each["NodeGroups"][0]["PrimaryEndpoint"]["Address"] for each in found]
    assert [url.partition("@")[2] for url in urls] == [f"{host}:6379/0" for host in hosts]
    assert all(url.startswith("rediss://:") for url in urls), "the bus is reached over TLS, with the token"
    told = shims.parameters_of(f"{NAME}-valkey8")
    assert told == {"maxmemory-policy": "noeviction"}, told


@CHECKS("No bucket can be made public or read in the clear, all are encrypted, and deleted files can be brought back.")
def buckets(stack: Stack) -> None:
    s3 = stack.aws.client("s3")
    names = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert len(names) == 2
    for name in names:
        assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
        refusal = next(each for each in policy if each["Effect"] == "Deny")
        assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert not [each for each in policy if each["Effect"] == "Allow" and each["Principal"] in ("*", {"AWS": "*"})]


@CHECKS("The product keeps a tenant's file in the bucket, reads it, and finds none of another tenant's.")
def files(stack: Stack) -> None:
    bucket = str(stack.outputs["files_bucket"])
    stack.aws.client("s3").delete_bucket_policy(Bucket=bucket)  # this AWS speaks in the clear, which the policy refuses
    given = stack.aws.environment | {
        "DJANGO_SETTINGS_MODULE": "saas.settings",
        "SECRET_KEY": "of this check alone",
        "DATABASE_URL": "postgresql://nobody@localhost/none",
        "DATABASE_OWNER_URL": "postgresql://nobody@localhost/none",
        "FILES_BUCKET": bucket,
    }
    python = ROOT / ".venv/bin/python"
    done = subprocess.run(
        [python, "-c", KEEP_A_FILE], cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]


@CHECKS("Raising a version makes those passwords anew, and no others; of SECRET_KEY the one before is kept beside the new one.")
def rotation(stack: Stack) -> None:
    before, key = _words(stack), _secret(stack, "SECRET_KEY")
    keys = [f"-target=aws_secretsmanager_secret_version.{name}" for name in ("secret_key", "secret_key_fallbacks")]
    raised = ["-var=passwords_version=2", "-var=secret_key_version=2", "-var-file=environments/production.tfvars"]
    raised += ["-target=terraform_data.word", "-target=terraform_data.secret_key", *keys]
    stack.terraform.run("apply", "-auto-approve", "-input=false", "-compact-warnings", *raised)
    after = _words(stack)
    assert {name for name in before if before[name] != after[name]} == {"porch_app", "porch_owner"}
    assert _secret(stack, "SECRET_KEY_FALLBACKS") == key == after["SECRET_KEY_1"]
    assert _secret(stack, "SECRET_KEY") == after["SECRET_KEY_2"] != key


@CHECKS("A new token of the bus is taken beside the old one, and the README's commands leave it the only one, at every primary.")
def token(stack: Stack) -> None:
    raised = [f"-var={name}_version=2" for name in ("valkey_token", "passwords", "secret_key")]
    raised.append("-var-file=environments/production.tfvars")
    targets = ["-target=aws_elasticache_replication_group.primary", "-target=aws_secretsmanager_secret_version.redis"]
    stack.terraform.run("apply", "-auto-approve", "-input=false", "-compact-warnings", *raised, *targets)
    new = _words(stack)["valkey"]
    assert _told_of_tokens() == {"0": [("ROTATE", new)], "1": [("ROTATE", new)]}
    if real := shutil.which("aws"):  # an operator has it; who tries this without AWS may not
        done = run_with(CLIENT.format(real=real), commands("Rotation"), **stack.aws.environment)
        assert done.returncode == 0, done.stderr
        assert _told_of_tokens() == {"0": [("ROTATE", new), ("SET", new)], "1": [("ROTATE", new), ("SET", new)]}


def _told_of_tokens() -> dict[str, list[tuple[str, str]]]:
    return {number: shims.tokens_of(f"{NAME}-{number}") for number in ("0", "1")}


def _words(stack: Stack) -> dict[str, str]:
    state = json.loads(stack.terraform.run("state", "pull"))
    found = [each for kind in state["resources"] if kind["type"] == "terraform_data" for each in kind["instances"]]
    return {each["index_key"]: each["attributes"]["output"]["value"] for each in found}


def _secret(stack: Stack, name: str) -> str:
    return str(stack.aws.client("secretsmanager").get_secret_value(SecretId=f"{NAME}/{name}")["SecretString"])


def _tagged(thing: dict[str, Any], part: str) -> bool:
    return any(part in tag["Value"] for tag in thing.get("Tags", []))
