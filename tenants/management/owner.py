"""Commands that run as the owner of the schemas."""

from django.conf import settings
from django.core.management.base import CommandError

from saas.core.logins import owner_problems


def need_owner() -> None:
    """Raise CommandError unless this command runs as the owner, by a login and over a session that are fit for it.

    In development the login is not looked at, as nothing is there.
    """
    if not settings.AS_OWNER:
        raise CommandError("run it as the owner of the schemas: DATABASE_AS_OWNER=1")
    if not settings.DEVELOPMENT and (found := owner_problems(settings.DATABASES["owner"])):
        raise CommandError("\n".join(found))
