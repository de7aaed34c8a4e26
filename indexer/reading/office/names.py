"""Names of the elements of Office Open XML, in both of its editions."""

from __future__ import annotations

from typing import Any

from indexer.reading.xml_names import XmlNames

_OPEN_XML = "http://schemas.openxmlformats.org/"
_STRICT = "http://purl.oclc.org/ooxml/"
NAMES = XmlNames(
    {
        f"{_OPEN_XML}wordprocessingml/2006/main": "w",
        f"{_STRICT}wordprocessingml/main": "w",
        f"{_OPEN_XML}presentationml/2006/main": "p",
        f"{_STRICT}presentationml/main": "p",
        f"{_OPEN_XML}drawingml/2006/main": "a",
        f"{_STRICT}drawingml/main": "a",
        f"{_OPEN_XML}drawingml/2006/diagram": "dgm",
        f"{_STRICT}drawingml/diagram": "dgm",
        f"{_OPEN_XML}officeDocument/2006/math": "m",
        f"{_STRICT}officeDocument/math": "m",
        f"{_OPEN_XML}officeDocument/2006/relationships": "r",
        f"{_STRICT}officeDocument/relationships": "r",
        f"{_OPEN_XML}markup-compatibility/2006": "mc",
        f"{_OPEN_XML}package/2006/relationships": "rel",
        "http://purl.org/dc/elements/1.1/": "dc",
        "http://purl.org/dc/terms/": "dcterms",
    }
)


def chosen_of(element: Any) -> Any:
    """Of what a file says twice, for new and for old programs, the first; nothing where it says nothing."""
    names = ("mc:Choice", "mc:Fallback")
    return next((child for name in names for child in element if NAMES.of(child) == name), ())


def is_on(element: Any) -> bool:
    return element is not None and NAMES.attribute(element, "w:val") not in ("0", "false", "off", "none")
