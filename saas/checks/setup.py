"""Settings that are wrong by themselves."""

import re
from collections import Counter
from typing import Final

from django.conf import settings

from saas.layers import names_of

SHORTEST_SECRET: Final = 50  # characters of SECRET_KEY
FEWEST_LETTERS: Final = 12  # different ones in it
TARGET_GROUP: Final = re.compile(r"arn:[\w-]+:elasticloadbalancing:[\w-]+:\d+:targetgroup/\S+")
STAND_IN: Final = {  # for Stripe
    "STRIPE_API_BASE": "leads to a stand-in for Stripe, where nobody pays",
    "STRIPE_PAY_ORIGIN": "is the page of a stand-in for Stripe, where nobody pays",
    "STRIPE_CLOCK_FILE": "moves the clock by which tenants pay, and are suspended and closed",
}
PLACEHOLDER: Final = "PASSWORD"  # as .env.example has it


def setting_problems() -> list[str]:
    """In the order of .env.example."""
    return [*_secrets(), *_databases(), *_targets(), *_primaries(), *_processes(), *_proxy(), *_open_doors()]


def development_problems() -> list[str]:
    """In development nothing is looked at, but nobody tries things out with other people's money."""
    if not settings.STRIPE_LIVE:
        return []
    return [
        "PORCHLIGHT_DEVELOPMENT=1 with a live STRIPE_SECRET_KEY: nothing would be checked where people pay; unset one of the two"
    ]


def _secrets() -> list[str]:
    keys = {"SECRET_KEY": settings.SECRET_KEY}
    keys |= {f"SECRET_KEY_FALLBACKS, number {number},": key for number, key in enumerate(settings.SECRET_KEY_FALLBACKS, 1)}
    return [f"{name} {problem}" for name, key in keys.items() if (problem := _weakness(key))]


def _weakness(key: str) -> str:
    """Why anybody could sign with this key; empty for a good one. One that was before signs as well."""
    if len(key) < SHORTEST_SECRET:
        return f"has {len(key)} characters; it needs {SHORTEST_SECRET} random ones"
    if len(set(key)) < FEWEST_LETTERS or key.startswith("django-insecure-"):
        return f"can be guessed; it needs {SHORTEST_SECRET} random characters"
    return ""


def _databases() -> list[str]:
    found = ["DATABASE_AS_OWNER=1 is for commands that migrate; unset it for a server"] if settings.AS_OWNER else []
    logins = {"DATABASE_URL": "default"} | ({} if settings.SERVES == "ws" else {"DATABASE_OWNER_URL": "owner"})
    for variable, alias in logins.items():
        password = settings.DATABASES[alias]["PASSWORD"]
        if password in {PLACEHOLDER, settings.DATABASES[alias]["USER"], ""}:
            said = f"is {password!r}" if password else "is empty"
            found.append(f"{variable}: the password {said}; give the role one of its own")
    return found


def _targets() -> list[str]:
    form = "arn:aws:elasticloadbalancing:<region>:<number>:targetgroup/<name>/<id>"
    bad = [each for each in settings.TARGET_GROUP_ARNS if not TARGET_GROUP.fullmatch(each)]
    return [f"TARGET_GROUP_ARNS: {each!r} is not of the form {form}" for each in bad]


def _primaries() -> list[str]:
    names = names_of(settings.REDIS_HOSTS)
    return [
        f"REDIS_URL names the server {name} {count} times, and the other names would carry nothing; name each primary once"
        for name, count in Counter(names).items()
        if count > 1
    ]


def _processes() -> list[str]:
    if settings.REDIS_HOSTS:
        return []
    reasons = {
        f"PORCHLIGHT_SERVES={settings.SERVES}": settings.SERVES != "all",
        "WORKER_IN_PROCESS=0": not settings.WORKER_IN_PROCESS,
        f"WEB_CONCURRENCY={settings.PROCESSES}": settings.PROCESSES > 1,
    }
    means = " and ".join(reason for reason, is_so in reasons.items() if is_so)
    return [f"{means}: that is more than one process, and they hear each other through REDIS_URL only; set it"] if means else []


def _proxy() -> list[str]:
    if not settings.SECURE:
        return [f"PORCHLIGHT_SCHEME={settings.SCHEME}: sessions and messages would travel in the clear; serve https and unset it"]
    if not settings.TRUST_PROXY:
        return [
            "TRUST_PROXY is not set: the proxy that speaks https is taken for every client, and one's limits count for all; "
            "set it to 1, and have the proxy set X-Forwarded-For and X-Forwarded-Proto itself"
        ]
    return []


def _open_doors() -> list[str]:
    found = []
    if settings.DEMO:
        found.append("PORCHLIGHT_DEMO=1 lets everybody read the mails that were sent; unset it")
    if settings.DEBUG:
        found.append("DEBUG=1 shows code and settings to everybody who causes an error; unset it")
    return [*found, *(f"{name} {what}; unset it" for name, what in STAND_IN.items() if getattr(settings, name))]
