"""Provenance as XMP (ISO 16684-1): what was done to a picture, by which model versions, and when.

The picture's overall nature is told by IPTC's ``DigitalSourceType``, which photo platforms read to label synthetic
media; the single steps are XMP Media Management resource events. Nothing in it tells who asked for the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from xml.etree import ElementTree as ET

from deployments.imaging.formats import FORMATS
from deployments.imaging.sniff import sniff

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_MM = "http://ns.adobe.com/xap/1.0/mm/"
_EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_PREFIXES = {"rdf": _RDF, "x": _META, "xmp": _XMP, "xmpMM": _MM, "stEvt": _EVENT, "Iptc4xmpExt": _IPTC}
for _prefix, _uri in _PREFIXES.items():
    ET.register_namespace(_prefix, _uri)

_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = '\n<?xpacket end="r"?>'


class DigitalSourceType(StrEnum):
    """IPTC's words for how a picture came to be, as far as they apply here."""

    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    """A photograph of which a trained model made parts anew."""
    ENHANCED = "algorithmicallyEnhanced"
    """A photograph changed by an algorithm that adds nothing of its own, such as a blur."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done: ``action`` ("style", "swap") by ``model`` (``name@version``).

    Raises ``ValueError`` when either is empty or holds characters that XML has no way to write.
    """

    action: str
    model: str

    def __post_init__(self) -> None:
        for text in (self.action, self.model):
            if not text or not text.isprintable():
                raise ValueError(f"{text!r} cannot stand in provenance metadata")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a picture comes from. ``when`` is aware of its time zone and kept to the second."""

    steps: tuple[Step, ...]
    when: datetime
    source_type: DigitalSourceType = DigitalSourceType.COMPOSITE
    software: str = "Masquerade"


def attach(data: bytes, provenance: Provenance) -> bytes:
    """The same JPEG, PNG or WebP, bit for bit, with its provenance inside (replacing any XMP it had).

    Raises :class:`NotAnImage` or :class:`Undecodable` when ``data`` is not such a picture.
    """
    return FORMATS[sniff(data)].write_xmp(data, _packet(provenance))


def _packet(provenance: Provenance) -> bytes:
    when = _timestamp(provenance.when)
    root = ET.Element(f"{{{_META}}}xmpmeta")
    rdf = ET.SubElement(root, f"{{{_RDF}}}RDF")
    about = ET.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    ET.SubElement(about, f"{{{_XMP}}}CreatorTool").text = provenance.software
    ET.SubElement(about, f"{{{_XMP}}}ModifyDate").text = when
    ET.SubElement(about, f"{{{_IPTC}}}DigitalSourceType").text = _SOURCE_TYPES + provenance.source_type
    events = ET.SubElement(ET.SubElement(about, f"{{{_MM}}}History"), f"{{{_RDF}}}Seq")
    for step in provenance.steps:
        event = ET.SubElement(events, f"{{{_RDF}}}li", {f"{{{_RDF}}}parseType": "Resource"})
        ET.SubElement(event, f"{{{_EVENT}}}action").text = step.action
        ET.SubElement(event, f"{{{_EVENT}}}parameters").text = f"model={step.model}"
        ET.SubElement(event, f"{{{_EVENT}}}softwareAgent").text = provenance.software
        ET.SubElement(event, f"{{{_EVENT}}}when").text = when
    return (_HEAD + ET.tostring(root, encoding="unicode") + _TAIL).encode()


def _timestamp(when: datetime) -> str:
    if when.tzinfo is None:
        raise ValueError("a provenance date needs a time zone")
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
