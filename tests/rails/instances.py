"""Random valid messages made from a definition, and mutations that mostly break them. Everything from one seed."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from decimal import Decimal

from lxml import etree

from qenex.rails.iso20022.definition import Alternatives, Anything, Choice, Content, Definition, Element, Simple

CHARACTERS = string.ascii_letters + string.digits + " /-?:().,'+äß€&<>"
MOMENTS = ["2026-11-21T09:30:00", "2026-11-21T09:30:00Z", "2024-02-29T23:59:59.123+02:00", "2026-11-21T24:00:00"]
RECURSION_MAX = 9


def from_pattern(pattern: str, chance: random.Random) -> str:
    """A text that matches a schema pattern."""
    return "".join(_from_tree(re._parser.parse(pattern), chance))  # type: ignore[attr-defined]


def _from_tree(tree, chance: random.Random) -> Iterator[str]:
    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            yield chr(argument)
        elif name == "ANY":
            yield chance.choice(string.ascii_letters)
        elif name == "IN":
            choices = []
            for kind, value in argument:
                if str(kind) == "LITERAL":
                    choices.append(chr(value))
                else:
                    assert str(kind) == "RANGE", kind
                    choices.extend(map(chr, range(value[0], value[1] + 1)))
            yield chance.choice(choices)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = argument
            for _ in range(chance.randint(int(low), min(int(high), int(low) + 12))):
                yield from _from_tree(inner, chance)
        elif name == "SUBPATTERN":
            yield from _from_tree(argument[-1], chance)
        elif name == "BRANCH":
            yield from _from_tree(chance.choice(argument[1]), chance)
        else:
            raise NotImplementedError(name)


def simple_value(simple: Simple, chance: random.Random) -> str:
    if simple.kind == "enum":
        return chance.choice(simple.values)
    if simple.pattern is not None:
        return from_pattern(simple.pattern, chance)[: simple.maximum_length]
    if simple.kind == "text":
        low, high = simple.minimum_length or 0, simple.maximum_length or 20
        length = chance.choice([low, high, chance.randint(low, high)]) if high <= 200 else chance.randint(low, 200)
        return "".join(chance.choice(CHARACTERS) for _ in range(length))
    if simple.kind == "decimal":
        total, fraction = simple.total_digits or 18, simple.fraction_digits or 0
        decimals = chance.randint(0, min(fraction, total - 1))
        whole = chance.randint(0, total - decimals)
        text = "".join(chance.choice(string.digits) for _ in range(whole)) or "0"
        text += "." + "".join(chance.choice(string.digits) for _ in range(decimals)) if decimals else ""
        value = Decimal(text)
        if simple.minimum is not None and value < Decimal(simple.minimum):
            return simple.minimum
        if simple.maximum is not None and value > Decimal(simple.maximum):
            return simple.maximum
        return text
    if simple.kind == "date":
        return chance.choice(["2026-11-21", "2024-02-29", "2026-11-21Z", "1999-12-31+01:00"])
    if simple.kind == "dateTime":
        return chance.choice(MOMENTS)
    return {
        "time": "09:30:00",
        "boolean": chance.choice(["true", "false", "0", "1"]),
        "gYear": "2026",
        "gYearMonth": "2026-11",
        "binary": "cXV4",
    }[simple.kind]


def fill(
    held: Definition, type_name: str, node: etree._Element, chance: random.Random, depth: int, density: float
) -> None:
    kind = held.types[type_name]
    if isinstance(kind, Simple):
        node.text = simple_value(kind, chance)
    elif isinstance(kind, Content):
        base = held.types[kind.base]
        assert isinstance(base, Simple)
        node.text = simple_value(base, chance)
        for name, attribute_type in kind.attributes:
            attribute = held.types[attribute_type]
            assert isinstance(attribute, Simple)
            node.set(name, simple_value(attribute, chance))
    elif isinstance(kind, Anything):
        foreign = etree.SubElement(node, "{urn:example:anything}Other", {"made": "up"})
        etree.SubElement(foreign, "Loose").text = "any text"
    else:
        items = (chance.choice(kind.items),) if isinstance(kind, Choice) else kind.items
        for item in items:
            element = chance.choice(item.elements) if isinstance(item, Alternatives) else item
            assert isinstance(element, Element)
            for _ in range(_repeats(element, chance, depth, density)):
                child = etree.SubElement(node, f"{{{held.namespace}}}{element.tag}")
                fill(held, element.type, child, chance, depth + 1, density)


def _repeats(element: Element, chance: random.Random, depth: int, density: float) -> int:
    if depth >= RECURSION_MAX or chance.random() > density:
        return element.minimum
    high = element.minimum + 2 if element.maximum is None else element.maximum
    return chance.randint(max(element.minimum, min(1, high)), min(high, element.minimum + 2))


def instance(held: Definition, chance: random.Random) -> etree._Element:
    """A random valid document of a definition."""
    root = etree.Element(f"{{{held.namespace}}}{held.root}", nsmap={None: held.namespace})
    fill(held, held.root, root, chance, 0, chance.choice([0.0, 0.15, 0.3, 0.45]))
    return root


def mutate(root: etree._Element, held: Definition, chance: random.Random) -> str:
    """Change one thing in place; returns what was done."""
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    node = chance.choice(nodes)
    leaves = [leaf for leaf in nodes if len(leaf) == 0]
    leaf = chance.choice(leaves) if leaves else node
    parents = [parent for parent in nodes if len(parent) > 1]
    what = chance.choice(
        ["missing", "unknown", "repeated", "reordered", "moved", "too long", "empty", "garbled", "wrong case", "space", "decimal",
         "attribute gone", "attribute new", "attribute bad", "namespace", "text in container", "child in leaf", "foreign type"]
    )  # fmt: skip
    parent = node.getparent()
    if what == "missing" and parent is not None:
        parent.remove(node)
    elif what == "unknown":
        node.insert(
            chance.randint(0, len(node)),
            etree.Element(f"{{{held.namespace}}}{chance.choice(['Xyz', 'Nm', 'Id', 'Cd'])}"),
        )
    elif what == "repeated" and parent is not None:
        for _ in range(chance.choice([1, 1, 3, 12])):
            node.addnext(etree.fromstring(etree.tostring(node, with_tail=False)))
    elif what == "reordered" and parents:
        held_in = chance.choice(parents)
        first, second = chance.sample(range(len(held_in)), 2)
        held_in.insert(first, held_in[second])
    elif what == "moved" and parent is not None:
        target = chance.choice(nodes)
        if node not in list(target.iterancestors()) and target is not node:
            target.append(node)
    elif what == "too long":
        leaf.text = (leaf.text or "x") * chance.choice([2, 5, 40])
    elif what == "empty":
        leaf.text = chance.choice(["", " ", None, "\n"])
    elif what == "garbled":
        leaf.text = "".join(chance.choice(CHARACTERS) for _ in range(chance.randint(1, 40)))
    elif what == "wrong case":
        leaf.text = (leaf.text or "").swapcase()
    elif what == "space":
        leaf.text = chance.choice([" ", "\n", "\t", ""]) + (leaf.text or "") + chance.choice([" ", "\r", "  "])
    elif what == "decimal":
        leaf.text = chance.choice(
            ["-1", "1.000000", "1,5", "1e3", "+7", ".5", "5.", "00000000000000000000001", "1234567890123456789", "0.123456",
             "NaN",
             "INF", "12345678901234567.8", "0.00000000000000000", "-0", "2026-02-30", "2026-11-21T25:00:00", "2026-13"]
        )  # fmt: skip
    elif what.startswith("attribute"):
        carriers = [n for n in nodes if n.attrib]
        target = chance.choice(carriers or nodes)
        if what == "attribute gone":
            target.attrib.clear()
        elif what == "attribute new":
            target.set(chance.choice(["Ccy", "ccy", "Extra"]), "EUR")
        elif target.attrib:
            target.set(next(iter(target.attrib)), chance.choice(["eur", "EURO", "EU", "", "E R"]))
    elif what == "namespace":
        node.tag = chance.choice(["{urn:other}", "", "{" + held.namespace + "9}"]) + etree.QName(node).localname
    elif what == "text in container":
        node.text = "stray"
    elif what == "child in leaf":
        etree.SubElement(leaf, f"{{{held.namespace}}}Nm").text = "inside"
    elif what == "foreign type":
        other = chance.choice(leaves) if leaves else node
        leaf.text = other.text
    return what
