"""Judging any message by its definition: valid or not, and every broken rule with its place.

For whole messages in memory (statements, reports, payments of usual size); a pain.001 of any size goes through `read_pain001`.
The Document may stand alone or inside an envelope (with or without a business application header beside it).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from lxml import etree

from qenex.rails.findings import Finding
from qenex.rails.iso20022.definition import MESSAGES, NAMESPACE_PREFIX
from qenex.rails.iso20022.reading import (
    Limits,
    Refused,
    Source,
    namespace_and_name,
    open_source,
    read_head,
    readable,
    syntax_refusal,
    whole_parser,
)
from qenex.rails.iso20022.schema import compiled_schema
from qenex.values import Refusal, refuse

VALIDATED_BYTES_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """`message` is the version found; `valid` is what an XML schema of that version says; findings name what is wrong."""

    message: str
    valid: bool
    findings: list[Finding] = field(default_factory=list)


def validate(source: Source, *, limits: Limits = Limits()) -> Verdict | Refusal:  # noqa: B008
    """Judge one message by its definition; a Refusal when it cannot be read or we hold no definition of it."""
    try:
        file, ours = open_source(source, limits)
        try:
            head = read_head(file, limits)
            data = file.read(VALIDATED_BYTES_MAX + 1)
        finally:
            if ours:
                file.close()
        if len(data) > VALIDATED_BYTES_MAX:
            raise Refused(refuse("MESSAGE_TOO_LARGE", what=f"more than {VALIDATED_BYTES_MAX:,} bytes in one message"))
        try:
            root = etree.fromstring(data, whole_parser())
        except etree.XMLSyntaxError as error:
            raise Refused(syntax_refusal(error, io.BytesIO(data), head.encoding)) from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise Refused(refuse("MESSAGE_DOCTYPE", where="before the root element"))
        document = _document(root)
        if document is None:
            found = head.message or f"<{head.root}>" + (
                f" of {head.namespace}" if head.namespace else " without a namespace"
            )
            raise Refused(refuse("MESSAGE_UNKNOWN", found=found))
    except Refused as refused:
        return refused.refusal
    message = namespace_and_name(document)[0].removeprefix(NAMESPACE_PREFIX)
    schema = compiled_schema(message)
    if schema.validate(document):
        return Verdict(message, True)
    findings = [
        Finding("DEFINITION_BROKEN", "FF01", f"line {entry.line}", readable(entry.message) + ".")
        for entry in schema.error_log
    ]
    return Verdict(message, False, findings)


def _document(root: etree._Element) -> etree._Element | None:
    """The first element that is the root of a message we define, at the top or inside an envelope."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        namespace, name = namespace_and_name(element)
        if name == "Document" and namespace.removeprefix(NAMESPACE_PREFIX) in MESSAGES:
            return element
    return None
