"""XMP, the metadata of pictures as XML (ISO 16684-1): read for what it says, and added to without loss.

Bytes come from strangers: a document type, and with it every entity, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from xml.dom.minidom import Document, Element, Node
from xml.parsers.expat import ExpatError

from defusedxml import minidom
from defusedxml.common import DefusedXmlException

from lookalike.errors import SidecarUnreadable

__all__ = ["Told", "joined", "read_xmp", "write_xmp"]

_MOST_BYTES: Final = 1 << 24
_DEEPEST: Final = 100

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SPACES: Final = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_EMPTY: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b' <rdf:RDF xmlns:rdf="' + _RDF.encode() + b'">\n  <rdf:Description rdf:about=""/>\n </rdf:RDF>\n</x:xmpmeta>\n'
)
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Name: TypeAlias = tuple[str, str]
"""Prefix, as in `_SPACES`, and local name."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a picture. None and "" are for nothing.

    rating: 1 to 5. latitude, longitude: degrees, north and east positive. altitude: meters. taken: ISO 8601, with or
    without a zone. names: file names that the picture had.
    """

    keywords: tuple[str, ...] = ()
    rating: int | None = None
    description: str = ""
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    taken: str = ""
    names: tuple[str, ...] = ()

    def tidy(self) -> Told:
        """Return it without empty and repeated keywords and names, and with no half of a place."""
        whole = self.latitude is not None and self.longitude is not None
        return replace(
            self,
            keywords=_distinct(self.keywords),
            names=_distinct(self.names),
            latitude=self.latitude if whole else None,
            longitude=self.longitude if whole else None,
            altitude=self.altitude if whole else None,
        )


def joined(all_told: Iterable[Told]) -> Told:
    """Return what several say together: every keyword and name; of all else what the first says that says any."""
    told = list(all_told)
    place = next((one for one in told if one.latitude is not None), Told())
    return Told(
        keywords=tuple(word for one in told for word in one.keywords),
        rating=next((one.rating for one in told if one.rating is not None), None),
        description=next((one.description for one in told if one.description), ""),
        latitude=place.latitude,
        longitude=place.longitude,
        altitude=place.altitude,
        taken=next((one.taken for one in told if one.taken), ""),
        names=tuple(name for one in told for name in one.names),
    ).tidy()


def read_xmp(data: bytes, name: str) -> Told:
    """Return what an XMP packet or sidecar says. name: for messages.

    Raises SidecarUnreadable for what is no XMP, or has a document type, or is too deep or too large.
    """
    properties = _Properties(_parse(data, name))
    rating = _number(properties.text(("xmp", "Rating")))
    return Told(
        keywords=tuple(properties.items(("dc", "subject"))),
        rating=int(rating) if rating is not None and 1 <= rating <= 5 else None,
        description=next(iter(properties.items(("dc", "description"))), ""),
        latitude=_from_degrees(properties.text(("exif", "GPSLatitude")), "S", 90),
        longitude=_from_degrees(properties.text(("exif", "GPSLongitude")), "W", 180),
        altitude=_from_altitude(properties),
        taken=properties.text(("photoshop", "DateCreated")) or properties.text(("exif", "DateTimeOriginal")),
        names=tuple(properties.items(("dc", "relation"))),
    ).tidy()


def write_xmp(add: Told, existing: bytes | None, name: str) -> bytes:
    """Return a sidecar with all that the existing one has, and besides what `add` says and it doesn't.

    Raises SidecarUnreadable if the existing one can't be read.
    """
    document = _parse(existing or _EMPTY, name)
    properties = _Properties(document)
    properties.add_items(("dc", "subject"), "Bag", add.keywords)
    properties.add_items(("dc", "relation"), "Bag", add.names)
    if add.description and not properties.items(("dc", "description")):
        properties.add_items(("dc", "description"), "Alt", [add.description])
    if add.rating is not None:
        properties.add_text(("xmp", "Rating"), str(add.rating))
    if add.taken:
        properties.add_text(("photoshop", "DateCreated"), add.taken)
    if add.latitude is not None and add.longitude is not None and not properties.text(("exif", "GPSLatitude")):
        properties.add_text(("exif", "GPSLatitude"), _to_degrees(add.latitude, "NS"))
        properties.add_text(("exif", "GPSLongitude"), _to_degrees(add.longitude, "EW"))
        if add.altitude is not None:
            properties.add_text(("exif", "GPSAltitude"), f"{round(abs(add.altitude) * 100)}/100")
            properties.add_text(("exif", "GPSAltitudeRef"), "1" if add.altitude < 0 else "0")
    return bytes(document.toxml(encoding="UTF-8"))


class _Properties:
    """The properties of all rdf:Description elements; simple ones may be attributes."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._described: list[Element] = [
            child
            for rdf in document.getElementsByTagNameNS(_RDF, "RDF")
            for child in _children(rdf)
            if (child.namespaceURI, child.localName) == (_RDF, "Description")
        ]

    def text(self, name: Name) -> str:
        """Return a simple property, "" if there is none."""
        for described in self._described:
            value = described.getAttributeNS(_SPACES[name[0]], name[1]).strip()
            if value:
                return value
        return next((text for found in self._found(name) if (text := _text(found))), "")

    def items(self, name: Name) -> list[str]:
        """Return the items of an array; of alternatives in several languages, the default first."""
        items = [item for found in self._found(name) for item in _array_items(found)]
        items.sort(key=lambda item: item.getAttribute("xml:lang") not in ("", "x-default"))
        return [text for item in items if (text := _text(item))]

    def add_text(self, name: Name, value: str) -> None:
        """Add a simple property, unless there is one. An empty one is filled."""
        if self.text(name):
            return
        for described in self._described:
            if described.hasAttributeNS(_SPACES[name[0]], name[1]):
                described.removeAttributeNS(_SPACES[name[0]], name[1])
        found = next(self._found(name), None) or self._new(name)
        found.appendChild(self._document.createTextNode(_legal(value)))

    def add_items(self, name: Name, kind: str, values: Sequence[str]) -> None:
        """Add the items that an array lacks, making it if it is missing."""
        there = set(self.items(name))
        lacking = [value for one in values if (value := _legal(one)) not in there]
        if not lacking:
            return
        found = next(self._found(name), None) or self._new(name)
        array = next((child for child in _children(found) if child.namespaceURI == _RDF), None)
        if array is None:
            found.setAttribute("xmlns:rdf", _RDF)
            array = found.appendChild(self._document.createElementNS(_RDF, f"rdf:{kind}"))
        for value in lacking:
            item = self._document.createElementNS(_RDF, f"{array.prefix}:li" if array.prefix else "li")
            if kind == "Alt":
                item.setAttribute("xml:lang", "x-default")
            item.appendChild(self._document.createTextNode(value))
            array.appendChild(item)

    def _found(self, name: Name) -> Iterator[Element]:
        for described in self._described:
            for child in _children(described):
                if (child.namespaceURI, child.localName) == (_SPACES[name[0]], name[1]):
                    yield child

    def _new(self, name: Name) -> Element:
        prefix, local = name
        element = self._document.createElementNS(_SPACES[prefix], f"{prefix}:{local}")
        element.setAttribute(f"xmlns:{prefix}", _SPACES[prefix])
        self._described[0].appendChild(element)
        return element


def _parse(data: bytes, name: str) -> Document:
    if len(data) > _MOST_BYTES:
        raise SidecarUnreadable(name, f"{len(data):,} bytes of XMP are more than {_MOST_BYTES:,}")
    try:
        document: Document = minidom.parseString(data, forbid_dtd=True)
        _check_depth(document)
    except DefusedXmlException:
        raise SidecarUnreadable(name, "it has a document type, as XMP never does") from None
    except (ExpatError, ValueError, LookupError, RecursionError) as error:
        raise SidecarUnreadable(name, f"it is no XML ({error})") from None
    if not _Properties(document)._described:
        raise SidecarUnreadable(name, "it is XML and has no rdf:Description")
    return document


def _check_depth(document: Document) -> None:
    level: list[Node] = [document]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in node.childNodes]
        if not level:
            return
    raise ValueError(f"it is nested more than {_DEEPEST} deep")


def _children(element: Element) -> Iterator[Element]:
    return (child for child in element.childNodes if isinstance(child, Element))


def _array_items(element: Element) -> Iterator[Element]:
    for array in _children(element):
        for item in _children(array):
            if (item.namespaceURI, item.localName) == (_RDF, "li"):
                yield item


def _text(element: Element) -> str:
    return "".join(child.data for child in element.childNodes if child.nodeType in _TEXTS).strip()


_TEXTS: Final = (Node.TEXT_NODE, Node.CDATA_SECTION_NODE)


def _legal(text: str) -> str:
    """Return a text without what XML can't hold; bytes of names that are no UTF-8 among it."""
    return _ILLEGAL.sub("\ufffd", text)


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stripped for word in words if (stripped := _legal(word).strip())))


def _number(text: str) -> float | None:
    """Read a number or a fraction."""
    above, slash, below = text.partition("/")
    try:
        value = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _from_degrees(text: str, negative: str, most: int) -> float | None:
    """Read "DDD,MM,SSk" or "DDD,MM.mmk", k one of N, S, E, W."""
    numbers = [_number(part) for part in text[:-1].split(",")]
    if not text or None in numbers or len(numbers) > 3 or text[-1].upper() not in "NSEW":
        return None
    value: float = sum(number / 60.0**at for at, number in enumerate(numbers) if number is not None)
    if not 0 <= value <= most:
        return None
    return -value if text[-1].upper() == negative else value


def _to_degrees(value: float, sides: str) -> str:
    millionths = round(abs(value) * 60 * 1_000_000)
    degrees, rest = divmod(millionths, 60 * 1_000_000)
    return f"{degrees},{rest / 1_000_000:.6f}{sides[value < 0]}"


def _from_altitude(properties: _Properties) -> float | None:
    value = _number(properties.text(("exif", "GPSAltitude")))
    return -value if value is not None and properties.text(("exif", "GPSAltitudeRef")) == "1" else value
