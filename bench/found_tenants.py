"""`python -m bench.found_tenants COUNT`: makes tenants one after the other, as sign-up does; the milliseconds of each, as JSON.

Run with the server's environment.
"""

import json
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from tenants.models import User
from tenants.provisioning import create_tenant


def found(count: int) -> list[float]:
    """So many tenants of one owner. What each took."""
    owner, taken = User.objects.create(email="owner@many.example", name="Olga"), []
    for number in range(count):
        start = time.perf_counter()
        create_tenant(slug=f"many-{number}", name=f"Many {number}", owner=owner)
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


if __name__ == "__main__":
    print(json.dumps(found(int(sys.argv[1]))))
