"""Names of elements and attributes -> short ones, whatever the namespace is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


class XmlNames(dict[str, str]):
    """`{http://...}p` -> `w:p`, by namespaces' usual prefixes; elements of others have no name."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._prefixes = dict(namespaces)

    def __missing__(self, tag: str) -> str:
        namespace, _, local = tag.rpartition("}")
        prefix = self._prefixes.get(namespace[1:], "")
        self[tag] = f"{prefix}:{local}" if prefix else ""
        return self[tag]

    def of(self, element: Any) -> str:
        """Empty for entities, which have none."""
        return self[element.tag] if isinstance(element.tag, str) else ""

    def child(self, element: Any, *path: str) -> Any:
        """The first child of a name, of that the first of the next one; None where there is none."""
        for name in path:
            element = next((child for child in element if self.of(child) == name), None)
            if element is None:
                return None
        return element

    def within(self, element: Any, name: str, inside: Callable[[Any], Iterable[Any]]) -> Iterator[Any]:
        """The children of a name, and those of what is put around them: of any other child, `inside` says what to look
        into."""
        for child in element:
            if self.of(child) == name:
                yield child
            else:
                yield from self.within(inside(child), name, inside)

    def attribute(self, element: Any, name: str) -> str:
        """Of whichever namespace of that prefix."""
        return next((value for key, value in element.items() if self[key] == name), "")
