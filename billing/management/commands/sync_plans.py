"""`manage.py sync_plans`: plans and prices as `billing/plans.py` has them, in the tables and in Stripe."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.gateway import gateway
from billing.gateway.errors import NotConfigured, StripeError
from billing.services.plans import PlanInUse, changed_plans, write_plans
from billing.services.price_list import check_plans, sync_plans


class Command(BaseCommand):
    """Run it after each deployment that touches plans, and when the key of Stripe is another. It may run at any time."""

    help = "Bring the plans of billing/plans.py into the tables and to Stripe. What is in use is never changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say what would be done; status 1 if there is anything")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        try:
            changes = check_plans(gateway()) if check else sync_plans(gateway())
        except NotConfigured:
            changes = self._without_stripe(check=check)
        except (PlanInUse, StripeError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(changes) or "Plans and prices are as they should be.")
        if check and changes:
            raise CommandError("Run manage.py sync_plans without --check to do this.")

    def _without_stripe(self, *, check: bool) -> list[str]:
        self.stderr.write("STRIPE_SECRET_KEY is empty: the plans are in the tables only.")
        changes = changed_plans()
        if not check:
            write_plans()
        return changes
