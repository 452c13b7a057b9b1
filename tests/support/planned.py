"""The shipped server with plans: `PLANS` names a file with the factors of limits, by tenant."""

import json
import os
from pathlib import Path
from typing import Any

from saas.core import registry
from saas.serve import main
from tenants.context import TenantRef


def factors(*, tenant: TenantRef) -> dict[str, float] | None:
    """What the tenant's plan says by now."""
    plans: dict[str, dict[str, Any]] = json.loads(Path(os.environ["PLANS"]).read_text())
    return plans.get(str(tenant.id))


if __name__ == "__main__":
    registry.limits_of_plan.fill(factors)
    main()
