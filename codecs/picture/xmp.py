"""An XMP packet (ISO 16684-1) of simple properties, as short as readers take it.

They stand as attributes of one description, which is how DJI writes them and how programs that
search for text find them; without the wrapper that is for who edits in place, and without padding.
"""

import re
from collections.abc import Mapping, Sequence

__all__ = ["NAMESPACES", "xmp_packet"]

NAMESPACES = {
    "drone-dji": "http://www.dji.com/drone-dji/1.0/",
    "Camera": "http://pix4d.com/camera/1.0",
    "fieldlink": "urn:fieldlink:picture:1",
}
_VALUE = re.compile(r"[A-Za-z0-9+\-., :]*")


def xmp_packet(properties: Mapping[tuple[str, str], str]) -> bytes:
    """The packet of `properties`, each by its prefix (of `NAMESPACES`) and name; empty for none.

    Raises:
        ValueError: a value has characters that would have to be escaped.
    """
    if not properties:
        return b""
    used: Sequence[str] = sorted({prefix for prefix, _ in properties})
    words = [f'xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in used]
    for (prefix, name), value in properties.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"{prefix}:{name} = {value!r}: only letters, digits and +-., : here")
        words.append(f'{prefix}:{name}="{value}"')
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {" ".join(words)}/></rdf:RDF></x:xmpmeta>'
    ).encode()
