"""`manage.py report_usage`: what the jobs do each minute, now and by hand."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.clock import now
from billing.gateway import gateway
from billing.gateway.errors import StripeError
from billing.reporting.freeze import freeze
from billing.reporting.held import release
from billing.reporting.send import Drained, drain


class Command(BaseCommand):
    help = "Make batches of the usage of all hours that are over, and send what is due to Stripe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=300.0, help="how long to send at most (default: 300)")
        parser.add_argument("--only-send", action="store_true", help="make no new batches")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["only_send"]:
            made = freeze(now())
            self.stdout.write(f"{made + release():,} batches made or let go.")
        try:
            drained = asyncio.run(_sent(options["seconds"]))
        except StripeError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{drained.sent:,} batches sent, {drained.failed:,} not. {drained.stopped}")
        if drained.is_trouble:
            raise CommandError("Not all was sent. It goes again by itself.")


async def _sent(seconds: float) -> Drained:
    try:
        return await drain(seconds)
    finally:
        await gateway().a_close()
