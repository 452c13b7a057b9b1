"""The product's settings, with passwords that are hashed in a moment: a strong hash takes a quarter of a second by design."""

from saas.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.support.passwords.OneRound"]
