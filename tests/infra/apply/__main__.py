"""`make infra-apply`: apply, look, tell, clean up. Takes some minutes; needs Terraform and nothing of AWS."""

import json
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.infra.apply.aws import local_aws
from tests.infra.apply.checks import CHECKS
from tests.infra.apply.checks.registry import Stack
from tests.infra.terraform import NOT_HERE, PROGRAM, Failed, Terraform

OVERRIDE: Final = Path(__file__).parent / "override.tf"
ENVIRONMENT: Final = "production"
# As once mail and Stripe are set up: else nothing is seen of who gets what was put in by hand.
PUT_IN: Final = ("EMAIL_PASSWORD", "EMAIL_USER", "STRIPE_SECRET_KEY", "STRIPE_THIN_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET")
VARIABLES: Final = (f"-var-file=environments/{ENVIRONMENT}.tfvars", f"-var=optional_secrets={json.dumps(PUT_IN)}")


def main() -> int:
    """The number of checks that failed."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="porchlight-infra-") as folder, local_aws() as aws:
        terraform = Terraform(Path(folder), **aws.environment)
        shutil.copy(OVERRIDE, terraform.folder)
        made = _apply(terraform)
        return _check(Stack(aws=aws, outputs=made, terraform=terraform))


def _apply(terraform: Terraform) -> dict[str, object]:
    begun = time.monotonic()
    mirror = terraform.init(backend=True)
    _say(f"The provider comes from {mirror}" if mirror else "The provider was fetched")
    terraform.run("apply", "-auto-approve", "-input=false", "-parallelism=30", "-compact-warnings", *VARIABLES)
    _say(f"Applied {len(terraform.run('state', 'list').split())} resources in {time.monotonic() - begun:.0f} s")
    return {name: each["value"] for name, each in json.loads(terraform.run("output", "-json")).items()}


def _check(stack: Stack) -> int:
    failed = 0
    for check in CHECKS:
        try:
            check.look(stack)
        except (AssertionError, LookupError) as error:
            failed += 1
            _say(f"NOT SO  {check.words}\n        {type(error).__name__}: {error}")
        else:
            _say(f"  ok    {check.words}")
    _say(f"{len(CHECKS) - failed} of {len(CHECKS)} hold")
    return failed


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if not PROGRAM:
        sys.exit(NOT_HERE)
    try:
        sys.exit(main() != 0)
    except Failed as error:
        sys.exit(str(error))
