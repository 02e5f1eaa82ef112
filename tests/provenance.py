"""The metadata of results, as a reader that is not ours finds it."""

from __future__ import annotations

import io
from datetime import datetime
from xml.etree import ElementTree as ET

from PIL import Image

from deployments.provenance import DigitalSourceType, Provenance, Step

NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "mm": "http://ns.adobe.com/xap/1.0/mm/",
    "event": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "iptc": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def provenance_of(data: bytes) -> Provenance:
    """What anyone's software finds in a result's XMP; fails where there is none."""
    about = ET.fromstring(Image.open(io.BytesIO(data)).info["xmp"]).find("rdf:RDF/rdf:Description", NAMES)
    return Provenance(
        steps=tuple(
            Step(
                event.findtext("event:action", "", NAMES),
                event.findtext("event:parameters", "", NAMES).removeprefix("model="),
            )
            for event in about.iterfind("mm:History/rdf:Seq/rdf:li", NAMES)
        ),
        when=datetime.fromisoformat(about.findtext("xmp:ModifyDate", "", NAMES)),
        source_type=DigitalSourceType(about.findtext("iptc:DigitalSourceType", "", NAMES).rpartition("/")[2]),
        software=about.findtext("xmp:CreatorTool", "", NAMES),
    )
