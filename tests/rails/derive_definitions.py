"""Derive our compact message definitions from the official schemas (which are never part of this repository).

python tests/rails/derive_definitions.py SCHEMA_FOLDER MESSAGE...   writes src/qenex/rails/iso20022/definitions/<message>.py
The tests use `derive` to show that the committed definitions still equal the schemas, type by type.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
KINDS = {"string": "text", "base64Binary": "binary"}
DEFINITIONS = Path(__file__).parents[2] / "src/qenex/rails/iso20022/definitions"


def find_schema(folder: Path, message: str) -> Path:
    found = sorted(folder.glob(f"*/{message}.xsd"))
    if len(found) != 1:
        raise FileNotFoundError(f"{message}.xsd in {folder}: {len(found)} found")
    return found[0]


def occurs(node: etree._Element) -> str:
    low, high = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
    plain = {("1", "1"): "", ("0", "1"): "?", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
    return plain.get((low, high)) or (
        "" if (low, high) == ("1", "1") else f"{{{low},{'' if high == 'unbounded' else high}}}"
    )


def element(node: etree._Element) -> str:
    assert node.tag == XS + "element" and set(node.attrib) <= {"name", "type", "minOccurs", "maxOccurs"}
    return f"{node.get('name')}{occurs(node)}:{node.get('type')}"


def simple_type(node: etree._Element) -> str:
    (restriction,) = node
    base = restriction.get("base").split(":")[1]
    facets: dict[str, list[str]] = {}
    for facet in restriction:
        facets.setdefault(facet.tag.removeprefix(XS), []).append(facet.get("value"))
    if "enumeration" in facets:
        assert set(facets) == {"enumeration"} and all(v and " " not in v for v in facets["enumeration"])
        return "enum " + " ".join(facets["enumeration"])
    words = [KINDS.get(base, base)]
    if "minLength" in facets or "maxLength" in facets:
        words.append(f"{facets.pop('minLength')[0]}..{facets.pop('maxLength')[0]}")
    if "totalDigits" in facets:
        words.append(f"{facets.pop('totalDigits')[0]}.{facets.pop('fractionDigits')[0]}")
    if "minInclusive" in facets:
        words.append("min " + facets.pop("minInclusive")[0])
    if "maxInclusive" in facets:
        words.append("max " + facets.pop("maxInclusive")[0])
    if "pattern" in facets:
        (pattern,) = facets.pop("pattern")
        words.append(f"/{pattern}/")
    assert not facets, facets
    return " ".join(words)


def complex_type(node: etree._Element) -> str:
    assert set(node.attrib) == {"name"}
    (model,) = (child for child in node if child.tag != XS + "annotation")
    if model.tag == XS + "simpleContent":
        (extension,) = model
        attributes = []
        for attribute in extension:
            assert attribute.tag == XS + "attribute" and attribute.get("use") == "required"
            attributes.append(f"@{attribute.get('name')}:{attribute.get('type')}")
        return f"content {extension.get('base')} " + " ".join(attributes)
    assert not model.attrib
    if len(model) == 1 and model[0].tag == XS + "any":
        (wildcard,) = model
        assert set(wildcard.attrib) == {"namespace", "processContents"}
        namespace = wildcard.get("namespace")
        return f"any {wildcard.get('processContents')}" + ("" if namespace == "##any" else f" {namespace}")
    if model.tag == XS + "choice":
        return "| " + " ".join(element(child) for child in model)
    assert model.tag == XS + "sequence"
    words = []
    for child in model:
        if child.tag == XS + "choice":
            assert not child.attrib
            words.append("(" + " | ".join(element(inner) for inner in child) + ")")
        else:
            words.append(element(child))
    return "= " + " ".join(words)


def derive(schema: Path) -> str:
    """The definition text of an official schema; asserts on any construct our notation does not have."""
    root = etree.parse(str(schema)).getroot()
    message = root.get("targetNamespace").removeprefix("urn:iso:std:iso:20022:tech:xsd:")
    (top,) = root.findall(XS + "element")
    assert top.get("name") == top.get("type") or top.get("type"), "root element has a named type"
    types: dict[str, str] = {}
    for node in root:
        if node.tag == XS + "complexType":
            types[node.get("name")] = complex_type(node)
        elif node.tag == XS + "simpleType":
            types[node.get("name")] = simple_type(node)
        else:
            assert node.tag in (XS + "element", XS + "annotation"), node.tag
    root_type = top.get("type")
    first = f"message {message} {top.get('name')}"
    if root_type != top.get("name"):
        types[top.get("name")] = types.pop(root_type)
    lines = [first]
    for name in [top.get("name"), *sorted(set(types) - {top.get("name")})]:
        lines.extend(
            textwrap.wrap(
                f"{name} {types[name]}", 118, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            )
        )
    return "\n".join(lines) + "\n"


def module_text(message: str, text: str) -> str:
    return (
        f'"""Content model of {message} (ISO 20022), as facts derived from its published schema."""\n\n'
        f'DEFINITION = r"""\n{text}"""\n'
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for wanted in sys.argv[2:]:
        target = DEFINITIONS / f"{wanted.replace('.', '_')}.py"
        target.write_text(module_text(wanted, derive(find_schema(folder, wanted))))
        print(target, target.stat().st_size)
