"""Numbers on what is said: a process counts its messages to each place, and a hole tells who listens there that one was lost."""

from typing import Final

PLACES: Final = 8_192  # whose numbers a process goes on with; one that it has forgotten begins anew, which is no hole


class Numbers:
    """Those of one line."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}  # by place, the one that was spoken to last at the end
        self._heard: dict[str, dict[str, int]] = {}  # by place, then by process

    def next(self, place: str) -> int:
        """The number of what is said there now."""
        return self._said.get(place, 0) + 1

    def said(self, place: str) -> None:
        """It passed."""
        number = self.next(place)
        self._said.pop(place, None)
        self._said[place] = number
        if len(self._said) > PLACES:
            del self._said[next(iter(self._said))]

    def is_hole(self, place: str, process: str, number: int) -> bool:
        """Whether something that the process said there before was not heard. Of the first that is heard nobody knows."""
        heard = self._heard.setdefault(place, {})
        before, heard[process] = heard.get(process), number
        return before is not None and number > before + 1

    def leave(self, place: str) -> None:
        """What is said there meanwhile is nothing that one misses."""
        self._heard.pop(place, None)

    def forget(self, process: str) -> None:
        """It says nothing more."""
        for heard in self._heard.values():
            heard.pop(process, None)

    def begin_anew(self) -> None:
        """That something was not heard is known, of every place."""
        self._heard.clear()
