"""Writing messages from columns: rows of XML in the order of the definition, every value checked against its type.

A `RowWriter` is made from a definition, the path of a repeated element and the paths below it that will be filled. Columns
are lists of equal length, or one text for all rows; None leaves an element out, and a container without content goes too.
What it writes is valid by construction: order and nesting come from the definition, required elements, choices and every value
are checked. A value that does not fit raises `ValueNotAllowed`: that is a mistake of the caller, never of a payment's data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import repeat

from qenex.rails.iso20022.definition import Choice, Content, Definition, Simple

Column = Sequence[str | None] | str | None

_NOT_XML = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DAY = r"-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|24:00:00(\.0+)?)"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_KINDS = {
    "boolean": re.compile(r"true|false|0|1"),
    "gYear": re.compile(r"[0-9]{4}"),
    "gYearMonth": re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])"),
    "decimal": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
    "binary": re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
    "date": re.compile(_DAY + _ZONE),
    "dateTime": re.compile(_DAY + "T" + _TIME + _ZONE),
    "time": re.compile(_TIME + _ZONE),
}


class ValueNotAllowed(ValueError):
    """A value that the message's definition does not allow at this place. `path` and `value` say where and what."""

    def __init__(self, path: str, value: object, why: str) -> None:
        super().__init__(f"{path}: {str(value)[:80]!r} {why}")
        self.path = path
        self.value = value


def simple_check(simple: Simple) -> Callable[[str], bool]:
    """Whether a text is a value of a simple type, as we write it (a subset of what a reader must accept)."""
    if simple.kind == "enum":
        return frozenset(simple.values).__contains__
    pattern = re.compile(simple.pattern) if simple.pattern else None
    kind = _KINDS.get(simple.kind)
    low, high = simple.minimum_length, simple.maximum_length

    def check(text: str) -> bool:
        if kind is not None and kind.fullmatch(text) is None:
            return False
        if pattern is not None and pattern.fullmatch(text) is None:
            return False
        if simple.kind == "decimal":
            return _decimal_fits(simple, text)
        if low is not None and simple.kind != "binary" and len(text) < low:
            return False
        return high is None or simple.kind == "binary" or len(text) <= high

    return check


def _decimal_fits(simple: Simple, text: str) -> bool:
    whole, _, decimals = text.lstrip("-").partition(".")
    whole, decimals = whole.lstrip("0"), decimals.rstrip("0")
    if simple.total_digits is not None and len(whole) + len(decimals) > simple.total_digits:
        return False
    if simple.fraction_digits is not None and len(decimals) > simple.fraction_digits:
        return False
    if simple.minimum is not None and Decimal(text) < Decimal(simple.minimum):
        return False
    return simple.maximum is None or Decimal(text) <= Decimal(simple.maximum)


def escaped(values: list[str], path: str) -> list[str]:
    """The texts as XML character data (and attribute values); all at once, because that is many times faster than one by one."""
    joined = "\x00".join(values)
    if joined.count("\x00") != max(0, len(values) - 1) or _NOT_XML.search(joined) is not None:
        bad = next(value for value in values if "\x00" in value or _NOT_XML.search(value))
        raise ValueNotAllowed(path, bad, "has a character that XML cannot hold")
    if "&" in joined or "<" in joined or ">" in joined or '"' in joined or "\r" in joined:
        joined = joined.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return joined.replace('"', "&quot;").replace("\r", "&#13;").split("\x00")
    return values


class _Node:
    """One element of the tree that a writer fills."""

    __slots__ = ("attributes", "check", "children", "choice", "maximum", "path", "required", "tag", "text")

    def __init__(self, tag: str, path: str, required: bool, maximum: int | None) -> None:
        self.tag, self.path, self.required, self.maximum = tag, path, required, maximum
        self.choice = False
        self.text: str | None = None  # the path of its own text's column
        self.check: Callable[[str], bool] | None = None
        self.attributes: list[tuple[str, str, Callable[[str], bool]]] = []
        self.children: list[_Node] = []


# What is rendered so far: a template with %s places, the columns for them, and whether every row has something.
_Rendered = tuple[str, list[Sequence[str]], bool]


class RowWriter:
    """Writes elements at `path` (below the root) with values at `values` (paths below it, ``Amt@Ccy`` for an attribute).

    `open_ended` leaves the element's own tags away and does not ask for required children: the caller writes what follows.
    """

    def __init__(self, held: Definition, path: str, values: Iterable[str], *, open_ended: bool = False) -> None:
        self._held = held
        self._open_ended = open_ended
        element = held.element_at(path)
        self.tag = element.tag
        self.paths = frozenset(values)
        self._root = self._build(element.tag, "", element.type, True, element.maximum)
        known = set(self._known(self._root))
        if known != self.paths:
            raise KeyError(f"{held.message} {path}: no such elements: {sorted(self.paths - known)}")

    def _build(self, tag: str, path: str, type_name: str, required: bool, maximum: int | None) -> _Node:
        node = _Node(tag, path, required, maximum)
        kind = self._held.types[type_name]
        if isinstance(kind, Simple):
            if path in self.paths:
                node.text, node.check = path, simple_check(kind)
            return node
        if isinstance(kind, Content):
            base = self._held.types[kind.base]
            assert isinstance(base, Simple)
            if path in self.paths:
                node.text, node.check = path, simple_check(base)
                for name, attribute_type in kind.attributes:
                    attribute = self._held.types[attribute_type]
                    assert isinstance(attribute, Simple)
                    node.attributes.append((name, f"{path}@{name}", simple_check(attribute)))
            return node
        node.choice = isinstance(kind, Choice)
        prefix = f"{path}/" if path else ""
        for child in self._held.elements(type_name):
            below = prefix + child.tag
            if any(wanted == below or wanted.startswith((below + "/", below + "@")) for wanted in self.paths):
                needed = child.minimum > 0 and not node.choice
                node.children.append(self._build(child.tag, below, child.type, needed, child.maximum))
            elif child.minimum > 0 and not node.choice and not (self._open_ended and not path):
                inner = self._held.types[type_name]
                if not any(child in getattr(item, "elements", ()) for item in getattr(inner, "items", ())):
                    raise KeyError(f"{self._held.message} {below}: required, but no value is planned for it")
        return node

    def _known(self, node: _Node) -> Iterable[str]:
        if node.text is not None:
            yield node.text
            yield from (column for _, column, _ in node.attributes)
        for child in node.children:
            yield from self._known(child)

    def write(self, count: int, columns: Mapping[str, Column]) -> str:
        """`count` rows as one text. A path without a column is left out of every row."""
        return "".join(self.rows(count, columns))

    def rows(self, count: int, columns: Mapping[str, Column]) -> list[str]:
        """`count` rows, each a text."""
        for name in columns:
            if name not in self.paths:
                raise KeyError(f"{self._held.message} {self.tag}: {name} is not planned")
        template, parts, _ = self._render(self._root, count, columns)
        if not parts:
            return [template % ()] * count
        return [template % row for row in zip(*parts)]

    def _render(self, node: _Node, count: int, columns: Mapping[str, Column]) -> _Rendered:
        if node.text is not None:
            return self._leaf(node, count, columns)
        rendered = [(child, self._render(child, count, columns)) for child in node.children]
        present = [(child, found) for child, found in rendered if found[0]]
        template = "".join(found[0] for _, found in present)
        parts = [part for _, found in present for part in found[1]]
        always = any(found[2] for _, found in present)
        is_open = self._open_ended and node is self._root
        self._check_children(node, rendered, always, count)
        if is_open:
            return template, parts, True
        opened, closed = f"<{node.tag}>", f"</{node.tag}>"
        if node is self._root or always:
            return opened + template + closed, parts, True
        if not parts:
            return "", [], False
        bodies: Iterable[str] = parts[0] if template == "%s" else [template % row for row in zip(*parts)]
        return "%s", [[opened + body + closed if body else "" for body in bodies]], False

    def _check_children(self, node: _Node, rendered: list[tuple[_Node, _Rendered]], always: bool, count: int) -> None:
        """Required children and choices, for the rows in which this element is present."""
        filled = [(child, found) for child, found in rendered if found[0]]
        certain = always or node is self._root
        for child, found in rendered:
            if not child.required or found[2] or not (certain or filled):
                continue
            if certain or not found[0]:
                raise ValueNotAllowed(f"{self.tag}/{child.path}", None, "is required")
            if len(filled) > 1:
                others = zip(*(self._presence(other, count) for _, other in filled))
                if any(any(row) and not mine for mine, row in zip(self._presence(found, count), others)):
                    raise ValueNotAllowed(f"{self.tag}/{child.path}", None, "is required where its parent is present")
        if node.choice and (certain or len(filled) > 1):
            rows = zip(*(self._presence(found, count) for _, found in filled))
            if any(sum(row) > 1 or (certain and not any(row)) for row in rows):
                raise ValueNotAllowed(f"{self.tag}/{node.path}", None, "is a choice: one alternative in each row")

    @staticmethod
    def _presence(found: _Rendered, count: int) -> Iterable[bool]:
        _, parts, always = found
        if always:
            return repeat(True, count)
        return [any(row) for row in zip(*parts)] if parts else repeat(False, count)

    def _leaf(self, node: _Node, count: int, columns: Mapping[str, Column]) -> _Rendered:
        assert node.text is not None and node.check is not None
        column = columns.get(node.text)
        if column is None:
            return "", [], False
        opened, closed = f"<{node.tag}", f"</{node.tag}>"
        parts: list[Sequence[str]] = []
        for name, path, check in node.attributes:
            given = columns.get(path)
            if given is None:
                raise ValueNotAllowed(path, None, "is a required attribute")
            if isinstance(given, str):
                self._check_all([given], check, path)
                opened += f' {name}="{escaped([given], path)[0]}"'.replace("%", "%%")
            else:
                texts = [value if isinstance(value, str) else "" for value in given]
                here = column if not isinstance(column, str) else [column] * count
                self._check_all([value for value, text in zip(texts, here) if text is not None], check, path)
                opened += f' {name}="%s"'
                parts.append(escaped(texts, path))
        opened += ">"
        if isinstance(column, str):
            self._check_all([column], node.check, node.path)
            return opened + escaped([column], node.path)[0].replace("%", "%%") + closed, parts, True
        if len(column) != count:
            raise ValueNotAllowed(node.path, len(column), f"values for {count} rows")
        flat = [value if isinstance(value, str) else None for value in column]
        self._check_all((value for value in flat if value is not None), node.check, node.path)
        filled = [value for value in flat if value is not None]
        if not filled:
            return "", [], False
        if len(filled) == count:
            return opened + "%s" + closed, [*parts, escaped(filled, node.path)], True
        texts = escaped([value if value is not None else "" for value in flat], node.path)
        if parts:
            template = opened + "%s" + closed
            bodies = [template % row if value is not None else "" for value, row in zip(flat, zip(*parts, texts))]
        else:
            start = opened.replace("%%", "%")
            bodies = [start + text + closed if value is not None else "" for value, text in zip(flat, texts)]
        return "%s", [bodies], False

    def _check_all(self, values: Iterable[str], check: Callable[[str], bool], path: str) -> None:
        for value in set(values):
            if not check(value):
                raise ValueNotAllowed(f"{self.tag}/{path}", value, f"is not allowed by {self._held.message}")


def amount_texts(minor: Iterable[int | None], decimals: int) -> list[str | None]:
    """Amounts as decimals with all of the currency's digits: 5 -> "0.05"."""
    if decimals == 0:
        return [None if value is None else str(value) for value in minor]
    scale = 10**decimals
    return [None if value is None else f"{value // scale}.{value % scale:0{decimals}}" for value in minor]


def moment_text(moment: datetime) -> str:
    """ISO date-time with seconds and the offset (UTC as Z); a moment without zone is refused, it would be ambiguous."""
    if moment.tzinfo is None:
        raise ValueNotAllowed("date-time", moment, "has no time zone")
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def fitted(texts: Sequence[str | None], length: int) -> list[str | None]:
    """Free texts made to fit: characters that XML cannot hold become "?", longer ones are cut, empty ones left out."""
    fit: list[str | None] = []
    for text in texts:
        if text:
            if not text.isprintable() and (_NOT_XML.search(text) or "\x00" in text):
                text = _NOT_XML.sub("?", text).replace("\x00", "?")
            fit.append(text if len(text) <= length else text[:length])
        else:
            fit.append(None)
    return fit
