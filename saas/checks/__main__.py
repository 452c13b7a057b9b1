"""`python -m saas.checks`: say all that a server would refuse to start with; the exit status is 1 if there is anything."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
django.setup()

from django.conf import settings

from saas.checks import UNCHECKED, problems  # it reads the settings

found = problems()
well = UNCHECKED if settings.DEVELOPMENT else "Nothing speaks against a start."
sys.stdout.write("".join(f"{line}\n" for line in found or [well]))
sys.exit(bool(found))
