"""Rows out of elements: which values of a message go to which column, checked against the message's definition.

A plan is written as ``{"PmtId/EndToEndId": "end_to_end_id", "Amt/InstdAmt@Ccy": "currency", ...}``. A path may name
alternatives of two versions; a path that the definition does not have is a mistake found when the plan is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from qenex.rails.iso20022.definition import Definition

# A node of a plan: (children by tag, or none: a value), column of the text, join repeats, attribute's column or -1, its name.
_Node = tuple[dict[str, Any], int, bool, int, str]
Row = list[Any]


def row_reader(
    held: Definition, type_name: str, plan: Mapping[str, str], columns: tuple[str, ...]
) -> Callable[[Any], Row]:
    """A function from an element of `type_name` to a row: one text or None for each of `columns`.

    A repeated element gives its first value; a path that ends in ``+`` gives all its values, joined by a space. An attribute is
    read with its element's text, so the plan names both.
    """
    tree: dict[str, Any] = {}
    for path, column in plan.items():
        path, _, attribute = path.partition("@")
        joined = path.endswith("+")
        kind, nodes = type_name, tree
        tags = path.rstrip("+").split("/")
        for depth, tag in enumerate(tags):
            element = next((e for e in held.elements(kind) if e.tag == tag), None)
            if element is None:
                raise KeyError(f"{held.message}: {type_name} has no {path}")
            kind = element.type
            node = nodes.setdefault(tag, {"text": -1, "join": False, "attribute": -1, "name": "", "children": {}})
            if depth == len(tags) - 1:
                if attribute:
                    node["attribute"], node["name"] = columns.index(column), attribute
                else:
                    node["text"], node["join"] = columns.index(column), joined
            nodes = node["children"]
    root = _freeze(tree, "{" + held.namespace + "}")
    width = len(columns)

    def read(element: etree._Element) -> Row:
        row: Row = [None] * width
        _walk(element, root, row)
        return row

    return read


def _freeze(tree: dict[str, Any], namespace: str) -> dict[str, _Node]:
    return {
        namespace + tag: (
            _freeze(node["children"], namespace),
            node["text"],
            node["join"],
            node["attribute"],
            node["name"],
        )
        for tag, node in tree.items()
    }


def _walk(element: Any, nodes: dict[str, _Node], row: Row) -> None:
    for child in element:
        node = nodes.get(child.tag)
        if node is None:
            continue
        if node[0]:
            _walk(child, node[0], row)
            continue
        _, text, joined, attribute, name = node
        if row[text] is None:
            row[text] = child.text or ""
            if attribute >= 0:
                row[attribute] = child.get(name)
        elif joined:
            row[text] += " " + (child.text or "")
