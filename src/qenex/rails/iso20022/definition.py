"""Message definitions: our own compact notation of an ISO 20022 content model, and its parsed form.

One module per message version under `definitions/` holds one text. Each type is one line (indented lines continue it)::

    message pain.001.001.09 Document                   first line: the message and its root element; the type of the same name
    GroupHeader85 = MsgId:Max35Text Authstn{0,2}:...   a sequence; after a tag: nothing 1..1, ? 0..1, * 0..n, + 1..n, {a,b}
    Party38Choice | OrgId:... PrvtId:...               a choice: exactly one of the elements
    Type = Cd:X (Dt:ISODate | DtTm:ISODateTime)        a choice inside a sequence
    Max35Text text 1..35                               simple types: text, decimal, date, dateTime, time, boolean, gYear,
    AnyBIC text /[A-Z]{4}.../                          gYearMonth, binary; with length, pattern, digits total.fraction,
    Amount decimal 18.5 min 0                          min and max value
    CreditDebitCode enum CRDT DBIT                     closed code set
    Money content Amount @Ccy:CurrencyCode             a simple value with attributes
    SupplementaryDataEnvelope1 any lax                 exactly one element of any name and namespace

The texts are facts (element names, order, cardinality, types) derived from the schemas published by ISO 20022; a test derives
them again from the official schemas and compares every type. Writer, reader and validator all work from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module

NAMESPACE_PREFIX = "urn:iso:std:iso:20022:tech:xsd:"

# The messages we define, in the order of the coverage table.
MESSAGES: tuple[str, ...] = (
    "pain.001.001.03",
    "pain.001.001.09",
    "pain.002.001.03",
    "pain.002.001.10",
    "camt.053.001.08",
)


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple type. `kind` is the base: text, decimal, date, dateTime, time, boolean, gYear, gYearMonth, binary, enum."""

    name: str
    kind: str
    minimum_length: int | None = None
    maximum_length: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()
    total_digits: int | None = None
    fraction_digits: int | None = None
    minimum: str | None = None
    maximum: str | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """An element inside a sequence or choice; `maximum` None means unbounded."""

    tag: str
    type: str
    minimum: int = 1
    maximum: int | None = 1


@dataclass(frozen=True, slots=True)
class Alternatives:
    """A choice inside a sequence: exactly one of the elements."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    name: str
    items: tuple[Element | Alternatives, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    items: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A simple value with required attributes (an amount with its currency)."""

    name: str
    base: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Anything:
    """Exactly one element of any (or of one) namespace; checked where a declaration is known (`lax`) or never (`skip`)."""

    name: str
    process: str
    namespace: str = "##any"


Type = Simple | Sequence | Choice | Content | Anything


@dataclass(frozen=True, slots=True)
class Definition:
    """The content model of one message version."""

    message: str
    root: str
    types: dict[str, Type]

    @property
    def namespace(self) -> str:
        return NAMESPACE_PREFIX + self.message

    def elements(self, type_name: str) -> tuple[Element, ...]:
        """All child elements of a type in document order, those of inner choices included; () for a simple type."""
        held = self.types[type_name]
        if isinstance(held, Choice):
            return held.items
        if not isinstance(held, Sequence):
            return ()
        found: list[Element] = []
        for item in held.items:
            found.extend(item.elements if isinstance(item, Alternatives) else (item,))
        return tuple(found)

    def element_at(self, path: str) -> Element:
        """The element at a path such as ``CstmrCdtTrfInitn/GrpHdr/MsgId`` below the root; KeyError when there is none."""
        type_name = self.root
        element: Element | None = None
        for tag in path.split("/"):
            element = next((e for e in self.elements(type_name) if e.tag == tag), None)
            if element is None:
                raise KeyError(f"{self.message} has no {tag} in {type_name} (path {path})")
            type_name = element.type
        assert element is not None
        return element


_OCCURRENCES: dict[str, tuple[int, int | None]] = {"": (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
_ELEMENT = re.compile(r"([A-Za-z0-9_.-]+)([?*+]|\{\d+,\d*\})?:([A-Za-z0-9_.-]+)")
_MODIFIER = re.compile(r"(\d+)\.\.(\d+)|/(.*)/|(\d+)\.(\d+)|(min|max) (\S+)")


def _element(token: str) -> Element:
    matched = _ELEMENT.fullmatch(token)
    if matched is None:
        raise ValueError(f"not an element of a message definition: {token!r}")
    tag, occurs, type_name = matched.groups()
    if occurs and occurs[0] == "{":
        low, high = occurs[1:-1].split(",")
        return Element(tag, type_name, int(low), int(high) if high else None)
    low_, high_ = _OCCURRENCES[occurs or ""]
    return Element(tag, type_name, low_, high_)


def _sequence(name: str, body: str) -> Sequence:
    items: list[Element | Alternatives] = []
    for part in re.findall(r"\([^)]*\)|[^\s()]+", body):
        if part[0] == "(":
            items.append(Alternatives(tuple(_element(token.strip()) for token in part[1:-1].split("|"))))
        else:
            items.append(_element(part))
    return Sequence(name, tuple(items))


def _simple(name: str, kind: str, rest: str) -> Simple:
    if kind == "enum":
        return Simple(name, kind, values=tuple(rest.split()))
    facts: dict[str, str] = {}
    position = 0
    while position < len(rest):
        matched = _MODIFIER.match(rest, position)
        if matched is None:
            raise ValueError(f"not a restriction in a message definition: {name} {rest[position:]!r}")
        shortest, longest, pattern, total, fraction, bound, value = matched.groups()
        if shortest is not None:
            facts |= {"shortest": shortest, "longest": longest}
        elif pattern is not None:
            facts["pattern"] = pattern
        elif total is not None:
            facts |= {"total": total, "fraction": fraction}
        else:
            facts[bound] = value
        position = matched.end()
        while position < len(rest) and rest[position] == " ":
            position += 1

    def number(key: str) -> int | None:
        return int(facts[key]) if key in facts else None

    return Simple(
        name, kind, number("shortest"), number("longest"), facts.get("pattern"), (),
        number("total"), number("fraction"), facts.get("min"), facts.get("max"),
    )  # fmt: skip


def parse_definition(text: str) -> Definition:
    """Read a definition text; raises ValueError on anything that is not the notation above."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            lines[-1] += " " + line.strip()
        elif line:
            lines.append(line)
    word, message, root = lines[0].split()
    if word != "message":
        raise ValueError("a message definition starts with 'message'")
    types: dict[str, Type] = {}
    for line in lines[1:]:
        name, kind, *rest = line.split(" ", 2)
        body = rest[0] if rest else ""
        held: Type
        if kind == "=":
            held = _sequence(name, body)
        elif kind == "|":
            held = Choice(name, tuple(_element(token) for token in body.split()))
        elif kind == "content":
            base, *attributes = body.split()
            pairs = (attribute[1:].split(":") for attribute in attributes)
            held = Content(name, base, tuple((attribute, type_name) for attribute, type_name in pairs))
        elif kind == "any":
            process, *namespace = body.split()
            held = Anything(name, process, namespace[0] if namespace else "##any")
        else:
            held = _simple(name, kind, body)
        types[name] = held
    return Definition(message, root, types)


@cache
def definition(message: str) -> Definition:
    """The definition of a message such as ``pain.001.001.09``; KeyError when we hold none."""
    if message not in MESSAGES:
        raise KeyError(f"no definition of {message}")
    module = import_module(f"qenex.rails.iso20022.definitions.{message.replace('.', '_')}")
    return parse_definition(module.DEFINITION)
