"""`python -m saas.checks`: say all that a server would refuse to start with; the exit status is 1 if there is anything."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from saas.checks import problems  # noqa: E402  it reads the settings

found = problems()
sys.stdout.write("".join(f"{line}\n" for line in found or ["Nothing speaks against a start."]))
sys.exit(bool(found))
