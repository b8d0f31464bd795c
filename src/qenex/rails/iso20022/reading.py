"""Reading XML that nobody has checked yet: in pieces, within limits, without entities, refusing with the place.

`ElementStream` parses and validates in one pass (libxml2 checks the schema while it parses) and hands out the elements the
caller asked for as soon as they end; the caller clears them, so memory does not grow with the file.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from lxml import etree

import qenex.rails.refusals  # noqa: F401  (registers the codes used here)
from qenex.rails.iso20022.definition import MESSAGES, NAMESPACE_PREFIX
from qenex.rails.iso20022.schema import compiled_schema
from qenex.values import Refusal, refuse

Source = str | os.PathLike[str] | bytes | BinaryIO

_CHUNK_BYTES = 1 << 16
_PROLOG_BYTES = 1 << 16
_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|ascii|iso-8859-([1-9]|1[0-5])|latin-?1|windows-125[0-8]|cp125[0-8]", re.I
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{0,60})[\"']")
_MARKS = {b"\x00\x00\xfe\xff": "UTF-32", b"\xff\xfe\x00\x00": "UTF-32", b"\x4c\x6f\xa7\x94": "EBCDIC", b"+/v": "UTF-7"}


@dataclass(frozen=True, slots=True)
class Limits:
    """More than any real message has. Depth is libxml2's 256; one text is at most 10 MB (libxml2).

    file_bytes     size of the whole file
    part_bytes     bytes of one payment, one statement entry or one header
    """

    file_bytes: int = 8 << 30
    part_bytes: int = 16 << 20


class Refused(Exception):
    """Carries a refusal out of nested readers; the public functions catch it and return the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def open_source(source: Source, limits: Limits) -> tuple[BinaryIO, bool]:
    """A seekable binary file at its beginning, and whether we opened it. Streams that cannot seek are spooled to disk."""
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source), True
    if isinstance(source, str | os.PathLike):
        try:
            opened: BinaryIO = open(source, "rb")  # noqa: SIM115  (the caller closes it)
            opened.seek(0, io.SEEK_END)
            return opened, True
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Refused(refuse("MESSAGE_FILE_MISSING", where=os.fspath(source), why=why)) from error
        except ValueError as error:  # a path with a NUL character
            raise Refused(refuse("MESSAGE_FILE_MISSING", where=repr(source), why=str(error))) from error
    if source.seekable():
        return source, False
    spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
    taken = 0
    while piece := source.read(_CHUNK_BYTES):
        taken += len(piece)
        if taken > limits.file_bytes:
            spool.close()
            raise Refused(refuse("MESSAGE_TOO_LARGE", what=f"more than {limits.file_bytes:,} bytes"))
        spool.write(piece)
    return spool, True


def readable(text: str) -> str:
    """libxml2's sentence without namespaces and line ends."""
    text = re.sub(r", line \d+, column \d+$", "", text.strip())
    return re.sub(r"\{[^}]*\}", "", text).strip().rstrip(".").replace("\n", " ")


_LIMIT_WORDS = ("huge", "excessive depth", "amplification", "too long", "too big", "exceeded")
_SCHEMA_CODES = range(1700, 1900)  # libxml2's xmlParserErrors of the SCHEMAV family
_PREMATURE_END = 77  # XML_ERR_TAG_NOT_FINISHED
_WRAPPED = re.compile(r"line \d+: b(['\"])(.*)\1", re.DOTALL)


def breaks_schema(error: etree.XMLSyntaxError) -> bool:
    """Whether libxml2 stopped because the message is not valid, rather than because it is not XML."""
    return error.code in _SCHEMA_CODES


def syntax_refusal(error: etree.XMLSyntaxError, file: BinaryIO, encoding: str, fed: int | None = None) -> Refusal:
    """The refusal for XML that is not well-formed, cut off (after `fed` bytes), badly encoded or beyond libxml2's limits."""
    sentence = str(error.msg)
    wrapped = _WRAPPED.fullmatch(sentence)
    why = readable(wrapped.group(2) if wrapped is not None else sentence)
    low = why.lower()
    line, column = error.position if error.position else (0, 0)
    where = f"line {line}, column {column}" if line else f"byte {file.tell()}"
    kinds = etree.ErrorTypes
    if any(word in low for word in _LIMIT_WORDS):
        return refuse("MESSAGE_TOO_LARGE", where=where, what=why)
    if error.code in (kinds.ERR_UNSUPPORTED_ENCODING, kinds.ERR_UNKNOWN_ENCODING, kinds.ERR_INVALID_ENCODING) or (
        "not proper utf-8" in low or "invalid bytes" in low or "conversion failed" in low
    ):
        return refuse("MESSAGE_ENCODING", where=where, encoding=encoding, why=why)
    if error.code == _PREMATURE_END or _at_end(file, line, column, encoding, fed):
        return refuse("MESSAGE_CUT_OFF", where=where, why=why)
    return refuse("MESSAGE_NOT_XML", where=where, why=why)


def _at_end(file: BinaryIO, line: int, column: int, encoding: str, fed: int | None) -> bool:
    """Whether a place is the end of the file (of its first `fed` bytes), within the two characters libxml2 looks ahead."""
    left = file.seek(0, io.SEEK_END) if fed is None else fed
    file.seek(0)
    line_feeds = last_characters = 0
    while left > 0 and (piece := file.read(min(_CHUNK_BYTES, left))):
        left -= len(piece)
        found = piece.count(b"\n")
        line_feeds += found
        last_characters = (0 if found else last_characters) + _characters(piece[piece.rfind(b"\n") + 1 :], encoding)
    return line == line_feeds + 1 and column + 2 >= last_characters


def _characters(data: bytes, encoding: str) -> int:
    """How many characters bytes hold, near enough to tell the end of a line from its middle."""
    if encoding == "UTF-16":
        return len(data) // 2
    return len(data.decode("utf-8", "ignore")) if encoding.lower() in ("utf-8", "utf8") else len(data)


def _encoding_of(head: bytes) -> str:
    """The encoding the first bytes name; raises Refused for one that we do not read."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            raise Refused(refuse("MESSAGE_ENCODING", where="byte 0", encoding=name, why="this encoding is not read"))
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:2] in (b"<\x00", b"\x00<"):
        return "UTF-16"
    declared = _DECLARED.search(head[:512])
    if declared is None:
        return "UTF-8"
    name = declared.group(1).decode("ascii", "replace")
    if _ENCODINGS.fullmatch(name) is None:
        raise Refused(refuse("MESSAGE_ENCODING", where="byte 0", encoding=name, why="this encoding is not read"))
    if name.lower().startswith(("utf-16", "utf16")):
        why = "the declaration is written in single bytes"
        raise Refused(refuse("MESSAGE_ENCODING", where="byte 0", encoding=name, why=why))
    return name


@dataclass(frozen=True, slots=True)
class Head:
    """What the first bytes tell: encoding and root element."""

    encoding: str
    namespace: str
    root: str

    @property
    def message(self) -> str:
        """``pain.001.001.09``, or "" for a root element outside the ISO 20022 name space."""
        return self.namespace.removeprefix(NAMESPACE_PREFIX) if self.namespace.startswith(NAMESPACE_PREFIX) else ""


def read_head(file: BinaryIO, limits: Limits) -> Head:
    """Encoding and root element of a file; raises Refused for an empty, unreadable or dangerous one."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > limits.file_bytes:
        raise Refused(refuse("MESSAGE_TOO_LARGE", what=f"{size:,} bytes; at most {limits.file_bytes:,} are read"))
    head = file.read(_PROLOG_BYTES)
    file.seek(0)
    if not head:
        raise Refused(refuse("MESSAGE_EMPTY", where="byte 0", what="0 bytes"))
    encoding = _encoding_of(head)
    marked = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if not marked.strip(b" \t\r\n\x00"):
        raise Refused(refuse("MESSAGE_EMPTY", where="byte 0", what="white space or zero bytes"))
    parser = etree.XMLPullParser(
        events=("start",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    for start in range(0, len(head), 1024):
        try:
            parser.feed(head[start : start + 1024])
        except etree.XMLSyntaxError as error:
            raise Refused(syntax_refusal(error, file, encoding)) from error
        for _, element in parser.read_events():
            if element.getroottree().docinfo.internalDTD is not None:
                raise Refused(refuse("MESSAGE_DOCTYPE", where="before the root element"))
            return Head(encoding, *namespace_and_name(element))
    if size > len(head):
        raise Refused(refuse("MESSAGE_TOO_LARGE", where="byte 0", what="no element in the first 65,536 bytes"))
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise Refused(syntax_refusal(error, file, encoding)) from error
    raise Refused(refuse("MESSAGE_EMPTY", where="byte 0", what="comments"))


def expect_message(head: Head, wanted: tuple[str, ...]) -> str:
    """The message in `head` when it is one of `wanted`; otherwise raises the refusal that fits."""
    message = head.message
    if message in wanted and head.root == "Document":
        return message
    found = message or (f"<{head.root}>" + (f" of {head.namespace}" if head.namespace else " without a namespace"))
    if message in MESSAGES and head.root == "Document":
        raise Refused(refuse("MESSAGE_NOT_EXPECTED", found=found, expected=" or ".join(wanted)))
    raise Refused(refuse("MESSAGE_UNKNOWN", found=found))


_per_thread = threading.local()


def whole_parser() -> etree.XMLParser:
    """This thread's parser for a message in one piece. Entities are "internal", because with False lxml takes unknown ones for
    well-formed; the document type declarations that could define some are refused before."""
    parser: etree.XMLParser | None = getattr(_per_thread, "parser", None)
    if parser is None:
        parser = _per_thread.parser = etree.XMLParser(
            resolve_entities="internal", no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
            remove_pis=True,
        )  # fmt: skip
    return parser


class ElementStream:
    """The elements named `tags` of one message, in document order, each as it ends. Raises Refused at the first fault.

    `digest`, when given, is updated with every byte read (a hashlib object). The consumer sets `quiet_bytes` to 0 when it has
    taken an element and given its memory back: a part of the message that goes on beyond the limit without that is refused.
    """

    def __init__(self, file: BinaryIO, head: Head, tags: list[str], limits: Limits, digest: object = None) -> None:
        self._file, self._head, self._limits = file, head, limits
        self._message = head.message
        self._tags = [f"{{{head.namespace}}}{tag}" for tag in tags]
        self._digest = digest
        self.quiet_bytes = 0

    def _parser(self, events: tuple[Literal["start", "end"]], tags: list[str] | None) -> etree.XMLPullParser:
        return etree.XMLPullParser(
            events=events, tag=tags, schema=compiled_schema(self._message), resolve_entities="internal", no_network=True,
            load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=False,
        )  # fmt: skip

    def __iter__(self) -> Iterator[etree._Element]:
        small = self._small() if self._file.seek(0, io.SEEK_END) <= _CHUNK_BYTES else None
        return self._pieces() if small is None else iter(small)

    def _small(self) -> list[etree._Element] | None:
        """All elements of a file of one piece that has no fault; None leaves it to the slower way, which says what is wrong."""
        self._file.seek(0)
        data = self._file.read()
        try:
            root = etree.fromstring(data, whole_parser())
        except etree.XMLSyntaxError:
            return None
        if root.getroottree().docinfo.internalDTD is not None or not compiled_schema(self._message).validate(root):
            return None
        update = getattr(self._digest, "update", None)
        if update is not None:
            update(data)
        return [element for _, element in etree.iterwalk(root, events=("end",), tag=self._tags)]

    def _pieces(self) -> Iterator[etree._Element]:
        parser = self._parser(("end",), self._tags)
        update = getattr(self._digest, "update", None)
        self._file.seek(0)
        offset = 0
        first = True
        piece = b""
        while following := self._file.read(_CHUNK_BYTES):
            piece = following
            if update is not None:
                update(piece)
            try:
                parser.feed(piece)
            except etree.XMLSyntaxError as error:
                if breaks_schema(error):
                    raise Refused(self._locate(offset, piece, str(error.msg))) from error
                raise Refused(syntax_refusal(error, self._file, self._head.encoding)) from error
            if len(parser.feed_error_log):
                raise Refused(self._locate(offset, piece, parser.feed_error_log[0].message))
            self.quiet_bytes += len(piece)
            for _, element in parser.read_events():
                if first:
                    first = False
                    if element.getroottree().docinfo.internalDTD is not None:
                        raise Refused(refuse("MESSAGE_DOCTYPE", where="before the root element"))
                yield element
            if self.quiet_bytes > self._limits.part_bytes:
                self._close(
                    parser, offset, piece
                )  # A parser that met a fault in the text goes silent; the fault is told first.
                what = f"one part of the message has more than {self._limits.part_bytes:,} bytes"
                raise Refused(refuse("MESSAGE_TOO_LARGE", where=f"byte {offset}", what=what))
            offset += len(piece)
        self._close(parser, offset, piece, whole=True)
        for _, element in parser.read_events():
            yield element

    def _close(self, parser: etree.XMLPullParser, offset: int, piece: bytes, *, whole: bool = False) -> None:
        """Raise what the parser found wrong. Unless it had the whole file, a premature end is our doing and no fault."""
        try:
            parser.close()
        except etree.XMLSyntaxError as error:
            if breaks_schema(error):
                if not whole:
                    return
                if piece.rstrip(b" \t\r\n\x00").endswith(b">"):
                    raise Refused(self._locate(offset - len(piece), piece, str(error.msg))) from error
                # A tag that stops half way is taken for a tag of another name.
                where = f"byte {offset}"
                raise Refused(refuse("MESSAGE_CUT_OFF", where=where, why="the last tag is not complete")) from error
            refusal = syntax_refusal(error, self._file, self._head.encoding, offset + (0 if whole else len(piece)))
            if whole or (refusal.code != "MESSAGE_CUT_OFF" and error.code != _PREMATURE_END):
                raise Refused(refusal) from error

    def _locate(self, offset: int, piece: bytes, message: str) -> Refusal:
        """Read again up to the piece with the fault, then tag by tag, to name its line, column and element path."""
        parser = self._parser(("start",), None)
        self._file.seek(0)
        done = line_feeds = last_feed = 0
        latest: etree._Element | None = None
        while done < offset:
            part = self._file.read(min(_CHUNK_BYTES, offset - done))
            parser.feed(part)
            line_feeds, last_feed = _count_lines(part, done, line_feeds, last_feed)
            done += len(part)
            for _, element in parser.read_events():
                latest = _forget_before(element)
        for part in re.findall(rb"[^>]*>|[^>]+", piece):
            try:
                parser.feed(part)
            except etree.XMLSyntaxError:
                break
            line_feeds, last_feed = _count_lines(part, done, line_feeds, last_feed)
            done += len(part)
            for _, element in parser.read_events():
                latest = _forget_before(element)
            if len(parser.feed_error_log):
                message = parser.feed_error_log[0].message
                break
        path = _path_to(latest, message)
        where = f"line {line_feeds + 1}, column {max(1, done - last_feed)}, byte {done}" + (f", {path}" if path else "")
        return refuse("MESSAGE_BREAKS_DEFINITION", where=where, message=self._message, why=readable(message))


def namespace_and_name(element: etree._Element) -> tuple[str, str]:
    """Both parts of a tag as parsed; lxml's QName would raise on the odd names that libxml2 lets through."""
    tag = element.tag
    assert isinstance(tag, str)
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


def tag_and_depth(element: etree._Element, prefix: int) -> tuple[str, int]:
    """The local name (after `prefix` characters of namespace) and the number of ancestors; nested copies have more."""
    tag = element.tag
    assert isinstance(tag, str)
    return tag[prefix:], sum(1 for _ in element.iterancestors())


def _count_lines(part: bytes, start: int, line_feeds: int, last_feed: int) -> tuple[int, int]:
    found = part.count(b"\n")
    return (line_feeds + found, start + part.rfind(b"\n") + 1) if found else (line_feeds, last_feed)


def _forget_before(element: etree._Element) -> etree._Element:
    """Drop the finished payments before this element, so that looking for a fault takes no more memory than reading."""
    previous = element.getprevious()
    parent = element.getparent()
    if previous is not None and parent is not None and previous.getprevious() is not None:
        parent.remove(previous)
    return element


def _path_to(latest: etree._Element | None, message: str) -> str:
    """Tags from below the root to the element that libxml2's message names, found among the last element's ancestors."""
    if latest is None:
        return ""
    named = re.match(r"Element '(?:\{[^}]*\})?([^']+)'", message)
    tags = [namespace_and_name(node)[1] for node in [latest, *latest.iterancestors()]]
    if named is not None and named.group(1) in tags:
        tags = tags[tags.index(named.group(1)) :]
    return "/".join(reversed(tags[:-1]))
