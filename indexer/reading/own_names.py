"""Names of the parts of a whole -> names of their own."""

from __future__ import annotations


class OwnNames:
    """Gives each part of a whole a name of its own: `a`, then `a#2`. As many as `most` are remembered; from then on
    every name gets the number of the part."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: dict[str, int] = {}
        self._number = 0

    def own(self, name: str) -> str:
        self._number += 1
        if len(self._times) >= self._most:
            return f"{name}#{self._number}"
        times = self._times.get(name, 0) + 1
        while times > 1 and f"{name}#{times}" in self._times:
            times += 1
        self._times[name] = times
        if times == 1:
            return name
        self._times[f"{name}#{times}"] = 1
        return f"{name}#{times}"
