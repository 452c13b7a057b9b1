"""The address of the database for code that speaks to it without Django's connections."""

from django.conf import settings
from psycopg.conninfo import make_conninfo


def dsn() -> str:
    """The connection string of the login role `porch_app`, which holds nothing until it takes a role."""
    database = settings.DATABASES["default"]
    return make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
    )
