"""`manage.py remove_second_factors`: for an installation without two members of staff who could do it on their pages."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.services.second_factors import remove_by_operator
from saas.core.errors import AppError


class Command(BaseCommand):
    help = "Take away the authenticator app, passkeys and recovery codes of somebody who lost them, and sign them out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="an address with which they sign in")
        parser.add_argument("--reason", required=True, help="why, and how you know that it is them; staff read it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            names = remove_by_operator(options["email"], reason=options["reason"])
        except AppError as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(f"Taken away: {', '.join(names)}. They read it in their mail.")
