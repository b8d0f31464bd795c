"""Validation at speed: the definition written out as an XML schema in memory and compiled by libxml2.

The schema text is generated from our own definition at run time and never stored (decision: docs/decisions/0060). Compiling
takes 2-5 ms, so a compiled schema is kept per message version and thread: libxml2's error log belongs to the schema object.
"""

from __future__ import annotations

import threading
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from qenex.rails.iso20022.definition import (
    Alternatives,
    Anything,
    Choice,
    Content,
    Definition,
    Element,
    Sequence,
    Simple,
    definition,
)  # fmt: skip

_BASES = {"text": "string", "binary": "base64Binary", "enum": "string"}


def _occurs(element: Element) -> str:
    if element.minimum == 1 and element.maximum == 1:
        return ""
    maximum = "unbounded" if element.maximum is None else str(element.maximum)
    return f' minOccurs="{element.minimum}" maxOccurs="{maximum}"'


def _element(element: Element) -> str:
    return f'<x:element name="{element.tag}" type="{element.type}"{_occurs(element)}/>'


def _simple(simple: Simple) -> str:
    facets = [f"<x:enumeration value={quoteattr(value)}/>" for value in simple.values]
    for facet, value in (
        ("minLength", simple.minimum_length),
        ("maxLength", simple.maximum_length),
        ("totalDigits", simple.total_digits),
        ("fractionDigits", simple.fraction_digits),
        ("minInclusive", simple.minimum),
        ("maxInclusive", simple.maximum),
        ("pattern", simple.pattern),
    ):
        if value is not None:
            facets.append(f"<x:{facet} value={quoteattr(str(value))}/>")
    base = _BASES.get(simple.kind, simple.kind)
    return f'<x:simpleType name="{simple.name}"><x:restriction base="x:{base}">{"".join(facets)}</x:restriction></x:simpleType>'


def schema_text(held: Definition) -> str:
    """The definition as an XML schema document."""
    parts = [
        '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"'
        f' xmlns="{escape(held.namespace)}" targetNamespace="{escape(held.namespace)}">',
        f'<x:element name="{held.root}" type="{held.root}"/>',
    ]
    for kind in held.types.values():
        if isinstance(kind, Simple):
            parts.append(_simple(kind))
            continue
        if isinstance(kind, Content):
            attributes = "".join(f'<x:attribute name="{n}" type="{t}" use="required"/>' for n, t in kind.attributes)
            body = f'<x:simpleContent><x:extension base="{kind.base}">{attributes}</x:extension></x:simpleContent>'
        elif isinstance(kind, Choice):
            body = f"<x:choice>{''.join(map(_element, kind.items))}</x:choice>"
        elif isinstance(kind, Anything):
            body = f'<x:sequence><x:any namespace="{kind.namespace}" processContents="{kind.process}"/></x:sequence>'
        else:
            assert isinstance(kind, Sequence)
            inner = [
                f"<x:choice>{''.join(map(_element, item.elements))}</x:choice>"
                if isinstance(item, Alternatives)
                else _element(item)
                for item in kind.items
            ]
            body = f"<x:sequence>{''.join(inner)}</x:sequence>"
        parts.append(f'<x:complexType name="{kind.name}">{body}</x:complexType>')
    parts.append("</x:schema>")
    return "".join(parts)


_per_thread = threading.local()


def compiled_schema(message: str) -> etree.XMLSchema:
    """The compiled schema of a message version for this thread; KeyError when we hold no definition."""
    schemas: dict[str, etree.XMLSchema] | None = getattr(_per_thread, "schemas", None)
    if schemas is None:
        schemas = _per_thread.schemas = {}
    if message not in schemas:
        schemas[message] = etree.XMLSchema(etree.fromstring(schema_text(definition(message)).encode()))
    return schemas[message]
