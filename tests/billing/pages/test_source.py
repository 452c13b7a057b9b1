"""What answers a tenant asks for rows by `for_tenant`, which forgets nobody's: looked up in the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

BILLING = Path(__file__).resolve().parents[3] / "billing"
FREE = {"BillingAccount"}  # its key is the tenant's own id
SELECTORS = ["batches", "bill", "forecast", "gauges", "invoices", "offers", "tenancy", "usage"]
READ = [*BILLING.joinpath("views").glob("*.py"), *(BILLING / "selectors" / f"{name}.py" for name in SELECTORS)]


def managers(source: str) -> Iterator[str]:
    """The models whose plain manager a module uses."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager", "_base_manager"}:
            yield ast.unparse(node.value)


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_no_row_is_read_past_for_tenant(path: Path) -> None:
    allowed = FREE | ({"User"} if path.stem == "settings" else set())  # who agrees to a visit: the member who asks
    assert set(managers(path.read_text())) <= allowed


def test_a_plain_manager_would_be_seen() -> None:
    assert list(managers("def f(id):\n    return Invoice.objects.get(id=id)\n")) == ["Invoice"]
