"""The SEPA character set, and the way of any text into it, after the best practices of the EPC [EPC217-08].

Allowed are a-z A-Z 0-9 / - ? : ( ) . , ' + and space. Letters with marks lose the mark (ä a, ß s, Ø O), an ampersand becomes a
plus sign, Greek and Cyrillic letters take their usual Latin form, and what has none becomes a full stop. References do not begin
or end with a slash and hold no double slash.
"""

from __future__ import annotations

import re
import unicodedata

ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9/\-?:().,'+ ]")

_PAIRS = (
    "!.", '".', "#.", "$.", "%.", "&+", "*.", ";,", "<.", "=.", ">.", "@.", "[(", "\\/", "](", "^.", "_-", "`'", "{(", "|/",
    "})", "~-", "¡.", "¿?", "€E", "ÆA", "æa", "ØO", "øo", "ŒO", "œo", "ÐD", "ðd", "ÞT", "þt", "ßs", "ŁL", "łl", "ĐD", "đd",
    "ĦH", "ħh", "ıi", "ĸ.", "ŊN", "ŋn", "ŦT", "ŧt", "‘'", "’'", "‚,", "“'", "”'", "„'", "–-", "—-", "…." , "«'", "»'", "°.",
    "ΑA", "ΒV", "ΓG", "ΔD", "ΕE", "ΖZ", "ΗI", "ΙI", "ΚK", "ΛL", "ΜM", "ΝN", "ΞX", "ΟO", "ΠP", "ΡR", "ΣS", "ΤT", "ΥY", "ΦF",
    "ΩO", "αa", "βv", "γg", "δd", "εe", "ζz", "ηi", "ιi", "κk", "λl", "μm", "νn", "ξx", "οo", "πp", "ρr", "σs", "ςs", "τt",
    "υy", "φf", "ωo", "АA", "БB", "ВV", "ГG", "ДD", "ЕE", "ЗZ", "ИI", "ЙY", "КK", "ЛL", "МM", "НN", "ОO", "ПP", "РR", "СS",
    "ТT", "УU", "ФF", "ЪA", "аa", "бb", "вv", "гg", "дd", "еe", "зz", "иi", "йy", "кk", "лl", "мm", "нn", "оo", "пp", "рr",
    "сs", "тt", "уu", "фf", "ъa", "ь.", "Ь.",
)  # fmt: skip
_LONGER = {
    "Θ": "TH", "θ": "th", "Χ": "CH", "χ": "ch", "Ψ": "PS", "ψ": "ps", "Ж": "ZH", "ж": "zh", "Ц": "TS", "ц": "ts",
    "Ч": "CH", "ч": "ch", "Ш": "SH", "ш": "sh", "Щ": "SHT", "щ": "sht", "Ю": "YU", "ю": "yu", "Я": "YA", "я": "ya",
}  # fmt: skip
_TABLE: dict[str, str] = {pair[0]: pair[1] for pair in _PAIRS} | _LONGER | {"[": "(", "]": ")"}


def _latin(character: str) -> str:
    found = _TABLE.get(character)
    if found is not None:
        return found
    plain = unicodedata.normalize("NFKD", character)
    if plain != character:
        kept = "".join(_TABLE.get(part, part) for part in plain if not unicodedata.combining(part))
        if kept and all(part in ALLOWED for part in kept):
            return kept
    return " " if character.isspace() else "."


def is_sepa_text(text: str) -> bool:
    """Whether every character is in the SEPA set."""
    return _NOT_ALLOWED.search(text) is None


def sepa_text(text: str, length: int | None = None) -> str:
    """`text` in SEPA characters, cut to `length` when given. Text that is SEPA text already is not changed."""
    if _NOT_ALLOWED.search(text) is not None:
        text = _NOT_ALLOWED.sub(lambda found: _latin(found.group()), unicodedata.normalize("NFC", text))
    return text if length is None else text[:length]


def sepa_reference(text: str, length: int = 35) -> str:
    """A reference in SEPA characters without leading, trailing or double slash; NOTPROVIDED when nothing is left."""
    return re.sub(r"/{2,}", "/", sepa_text(text)).strip("/ ")[:length].strip("/ ") or "NOTPROVIDED"
