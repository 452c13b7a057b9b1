"""The parameters of a request, as handlers get them."""

from collections.abc import Iterator
from typing import Any


class Params(dict[str, Any]):
    """Parameters that know which of them were looked at: the stand-in says so if it ignores one."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def items(self) -> Any:
        return dict(self).items()
