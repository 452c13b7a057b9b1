"""The names of settings: those that the code reads, and those that `.env.example` and Terraform give."""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
READERS: Final = {"text", "flag", "number", "choice", "limits", "database"}  # of saas/env.py, with the name as first argument
# Read by what the server is made of: S3's client, PostgreSQL's, Python.
LIBRARIES: Final = frozenset({"AWS_REGION", "PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGSSLMODE", "PGUSER", "TMPDIR"})


def names_read() -> set[str]:
    """What `saas/` asks its environment for, by `env.text("NAME")` and its like."""
    files = [path for path in (ROOT / "saas").rglob("*.py") if "up" not in path.relative_to(ROOT / "saas").parts]
    return {name for path in files for name in _names_in(ast.parse(path.read_text()))}


def _names_in(tree: ast.AST) -> set[str]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr in READERS) == ("env", True)
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def names_told() -> set[str]:
    """What `.env.example` tells of, commented out or not."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def names_given() -> set[str]:
    """What Terraform gives to tasks, or lets an operator give: each name of its settings and secrets."""
    files = [(ROOT / "infra/terraform" / name).read_text() for name in ("settings.tf", "secrets.tf")]
    return {name for words in files for name in re.findall(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+|TMPDIR|LIMITS|PG[A-Z]+)\b", words)}


def number_of(name: str, file: str) -> int:
    """A whole number that a module of ours gives a name to. Read, not imported: it may need more than these tools have."""
    found = re.search(rf"^{name}(?:: Final)? = ([\d_]+)", (ROOT / file).read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{file} has no {name}")
    return int(found[1])
