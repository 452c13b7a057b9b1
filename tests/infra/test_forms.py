"""What Terraform lets through as a setting, the server takes; and each variable that refuses something is seen to refuse."""

import re
from collections.abc import Callable

import pytest

from saas import env
from tests.infra.names import ROOT

TERRAFORM = ROOT / "infra/terraform"
WORDS = (TERRAFORM / "settings.tf").read_text()
SETTABLE = dict(
    re.findall(r'^    ([A-Z_]+)\s+= "([a-z]+)"$', WORDS.partition("settable = {")[2].partition("\n  }")[0], re.MULTILINE)
)
FORMS = {
    name: re.compile(pattern.replace("\\\\", "\\").removesuffix("$") + r"\Z")
    for name, pattern in re.findall(r'^    ([a-z]+)\s+= \{.*?pattern\s+= "(.*?)"', WORDS, re.MULTILINE | re.DOTALL)
}
ODD = (
    *("0", "1", "25", "587", "65535", "65536", "00", "-1", "1.5", "1e3", "half", "999999999", "٣", "1 ", ""),
    *("chat.send.ip=5000/10", "chat.send.ip=5000/10 sign_up_ip=3/3600", "a=1/0.5", "a=0/1", "a=1/0", "a=1/0.0", "a=1", "a/1=1"),
    *("chat.send.ip=5000/10,sign_up_ip=3/3600", "a=1/1  b=1/1", "json", "line", "plain", "JSON"),
)


def reader(name: str) -> tuple[str, Callable[[str], object]]:
    """How the server reads a setting."""
    (kind,) = re.findall(rf'env\.(\w+)\(\s*"{name}"', (ROOT / "saas/settings.py").read_text())
    if kind == "choice":
        return kind, lambda setting: env.choice(setting, "json", "line")
    if kind == "number":
        return kind, lambda setting: env.number(setting, 1)
    return kind, env.limits if kind == "limits" else lambda setting: env.text(setting, "")


@pytest.mark.parametrize("name", sorted(SETTABLE))
def test_what_has_the_form_of_a_setting_is_taken_by_the_server(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form, (kind, read) = FORMS[SETTABLE[name]], reader(name)
    taken = [value for value in ODD if form.match(value)]
    assert taken or kind == "text"
    for value in taken:
        monkeypatch.setenv(name, value)
        read(name)


def test_what_the_server_refuses_has_no_form() -> None:
    refused = {
        "number": ("-1", "1.5", "half", ""),
        "count": ("0", "-1"),
        "port": ("0", "65536", "smtp"),
        "limits": ("a=1", "a=0/1", "a=1/0", "a=1/0.0", "chat.send.ip=5000/10,sign_up_ip=3/3600"),
        "format": ("plain", "JSON"),
        "host": ("smtp://mail.porchlight.example", ""),
        "address": ("help", "help@porchlight", "Help <help@porchlight.example>"),
        "sender": ("Porchlight", "Porchlight hello@porchlight.example"),
        "slugs": ("acme,globex", "Acme"),
    }
    assert set(refused) == set(FORMS) == set(SETTABLE.values())
    for form, values in refused.items():
        assert [value for value in values if FORMS[form].match(value)] == [], form


def test_what_operators_write_has_its_form() -> None:
    usual = {
        "number": "500",
        "count": "5000",
        "port": "587",
        "limits": "chat.send.ip=5000/10 sign_up_ip=3/3600",
        "format": "json",
        "host": "email-smtp.eu-central-1.amazonaws.com",
        "address": "help@porchlight.example",
        "sender": "Porchlight <hello@porchlight.example>",
        "slugs": "acme globex",
    }
    for form, value in usual.items():
        assert FORMS[form].match(value), form


def test_each_variable_that_refuses_something_is_seen_to_refuse() -> None:
    blocks = [block for file in TERRAFORM.glob("variables*.tf") for block in file.read_text().split('\nvariable "')]
    blocks[:] = [block.removeprefix('variable "') for block in blocks]
    validated = {block.partition('"')[0] for block in blocks if "\n  validation {" in block}
    refusals = (TERRAFORM / "tests/refusals.tftest.hcl").read_text()
    expected = " ".join(re.findall(r"expect_failures = \[(.*?)\]", refusals, re.DOTALL))
    seen = set(re.findall(r"var\.(\w+)", expected))
    assert len(validated) > 20
    assert validated == seen


def test_each_environment_is_planned_by_a_test() -> None:
    words = (ROOT / "tests/infra/test_terraform.py").read_text()
    for file in (TERRAFORM / "environments").glob("*.tfvars"):
        assert f'"{file.stem}"' in words, f"no test plans {file.name}"
    for test in (TERRAFORM / "tests").glob("*.tftest.hcl"):
        assert f'"{test.name.removesuffix(".tftest.hcl")}"' in words, f"no test runs {test.name}"
