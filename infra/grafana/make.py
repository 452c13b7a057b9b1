"""The dashboards, as code: `python infra/grafana/make.py` writes the JSON files beside it, always the same for the same panels.

Import them in Grafana, or let it read this folder. Each asks for its data source when it is opened.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from boards import BOARDS, Board, Panel

HERE: Final = Path(__file__).parent
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
COLUMNS, HEIGHT = 24, 8  # of Grafana's grid


def dashboard(board: Board) -> dict[str, Any]:
    """As Grafana imports it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["porchlight"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables()},
        "links": [{"type": "dashboards", "tags": ["porchlight"], "title": "Porchlight", "asDropdown": True}],
        "panels": list(_panels(board)),
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "process",
            "label": "Process",
            "type": "query",
            "datasource": SOURCE,
            "query": 'label_values(porchlight_process{job="porchlight"}, instance)',
            "refresh": 2,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panels(board: Board) -> Iterator[dict[str, Any]]:
    """Ids by place: a panel that stays where it is keeps its own."""
    number, top = 0, 0
    for heading, panels in board.rows.items():
        number += 1
        yield {"id": number, "type": "row", "title": heading, "collapsed": False, "gridPos": _at(0, top, COLUMNS, 1)}
        left, top = 0, top + 1
        for panel in panels:
            if left + panel.width > COLUMNS:
                left, top = 0, top + HEIGHT
            number += 1
            yield _panel(panel, number, _at(left, top, panel.width, HEIGHT))
            left += panel.width
        top += HEIGHT


def _at(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    return {
        "id": number,
        "type": "stat" if panel.is_number else "timeseries",
        "title": panel.title,
        "description": panel.words,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                **({} if panel.is_number else {"custom": {"fillOpacity": 8, "thresholdsStyle": {"mode": _style(panel)}}}),
            },
            "overrides": [],
        },
        "targets": [
            {"refId": chr(65 + place), "datasource": SOURCE, "expr": asked, "legendFormat": legend or panel.title}
            for place, (legend, asked) in enumerate(panel.lines.items())
        ],
    }


def _style(panel: Panel) -> str:
    return "off" if panel.limit is None else "line"


def written(name: str) -> str:
    """The file of one dashboard."""
    return json.dumps(dashboard(BOARDS[name]), indent=2) + "\n"


if __name__ == "__main__":
    for board_name in BOARDS:
        (HERE / f"{board_name}.json").write_text(written(board_name))
