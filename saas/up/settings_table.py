"""Writes the table of settings in docs/deployment.md from .env.example: `python -m saas.up.settings_table`."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE, PAGE = ROOT / ".env.example", ROOT / "docs/deployment.md"
BEGIN, END = "<!-- from .env.example -->\n", "<!-- until here -->\n"
SETTING = re.compile(r"(#?)([A-Z_]+)=(.*)")


def table(example: str) -> str:
    """One part for each section of the example, with a row for each name."""
    parts = re.split(r"^# --- (.*) ---\n", example, flags=re.MULTILINE)[1:]
    sections = zip(parts[::2], parts[1::2], strict=True)
    return "\n".join(f"**{title}**\n\n{_head()}{''.join(_rows(body))}" for title, body in sections)


def _head() -> str:
    return "| Name | Default or example | What it is |\n|---|---|---|\n"


def _rows(body: str) -> Iterator[str]:
    """The words above a name are its own, and those of all names that follow at once."""
    words: list[str] = []
    was_name = False
    for line in filter(None, body.splitlines()):
        if found := SETTING.fullmatch(line):
            value = f"`{found[3]}`" if found[3] else "must be set" if not found[1] else "none"
            yield f"| `{found[2]}` | {value} | {' '.join(words) if not was_name else 'as above'} |\n"
        else:
            words = [*([] if was_name else words), line.removeprefix("# ").replace("<", "&lt;")]
        was_name = found is not None


def page(text: str, example: str) -> str:
    """The page with the table of this example in it."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(example)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), EXAMPLE.read_text()))
