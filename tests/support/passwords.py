"""How the tests' passwords are stored; `tests/tenants/test_passwords.py` looks at how the product's are."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    """The product's way, in one round."""

    iterations = 1
