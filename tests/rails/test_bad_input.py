"""Files that are no messages: always a refusal with a place, never a crash, never much memory."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.rails.derive_definitions import find_schema
from tests.rails.examples import NEW, OLD, message, payment, single, transaction

from qenex.rails import CreditTransferFile, Limits, read_camt053, read_pain001, read_pain002, validate
from qenex.values import EXIT_USAGE, REFUSALS, Refusal

GOOD = single().decode()
DEEP = "<a>" * 400 + "</a>" * 400
MEGABYTES_11 = "x" * (11 << 20)
BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(9)
) + "]>"  # fmt: skip


def with_doctype(doctype: str, text: str = "") -> bytes:
    head, body = GOOD.split("\n", 1)
    return f"{head}\n{doctype}\n{body.replace('Claire Dupont', text or 'Claire Dupont')}".encode()


CASES: dict[str, tuple[bytes, str, str]] = {
    "0 bytes": (b"", "MESSAGE_EMPTY", "byte 0"),
    "spaces": (b" \n\t" * 1000, "MESSAGE_EMPTY", "byte 0"),
    "zero bytes": (b"\x00" * 4096, "MESSAGE_EMPTY", "byte 0"),
    "only a mark": (b"\xef\xbb\xbf", "MESSAGE_EMPTY", "byte 0"),
    "only a comment": (b"<!-- nothing -->", "MESSAGE_CUT_OFF", "line 1"),
    "text": (b"Dear bank, please pay.", "MESSAGE_NOT_XML", "line 1"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "MESSAGE_NOT_XML", "line 1"),
    "zip": (b"PK\x03\x04" + bytes(range(256)), "MESSAGE_NOT_XML", "line 1"),
    "json": (b'{"amount": 1}', "MESSAGE_NOT_XML", "line 1"),
    "mt": (b"{1:F01BANKDEFFAXXX0000000000}{4:\r\n:20:X\r\n-}", "MESSAGE_NOT_XML", "line 1"),
    "truncated": (GOOD[: len(GOOD) // 2].encode(), "MESSAGE_CUT_OFF", "line"),
    "last byte missing": (GOOD[:-1].encode(), "MESSAGE_CUT_OFF", "line"),
    "twice": ((GOOD + GOOD).encode(), "MESSAGE_NOT_XML", "line 5"),
    "tag not closed": (GOOD.replace("</Nm>", "", 1).encode(), "MESSAGE_NOT_XML", "line"),
    "bare ampersand": (GOOD.replace("Claire", "A & B").encode(), "MESSAGE_NOT_XML", "line 4"),
    "zero byte inside": (GOOD.replace("Claire", "A\0B").encode(), "MESSAGE_NOT_XML", "line 4"),
    "control character": (GOOD.replace("Claire", "A\x01B").encode(), "MESSAGE_NOT_XML", "line 4"),
    "latin in utf-8": (GOOD.replace("Claire", "Zo\xe9").encode("latin-1"), "MESSAGE_ENCODING", "line 4"),
    "declared utf-16 is utf-8": (GOOD.replace("UTF-8", "UTF-16").encode(), "MESSAGE_ENCODING", "byte 0"),
    "declared encoding that does not exist": (GOOD.replace("UTF-8", "ISO-8859-12").encode(), "MESSAGE_ENCODING", "line 1"),
    "declared without a name": (GOOD.replace("UTF-8", "").encode(), "MESSAGE_ENCODING", "byte 0"),
    "declared unknown": (GOOD.replace("UTF-8", "KLINGON-8").encode(), "MESSAGE_ENCODING", "byte 0"),
    "declared utf-7": (GOOD.replace("UTF-8", "UTF-7").encode(), "MESSAGE_ENCODING", "byte 0"),
    "utf-32": (GOOD.encode("utf-32"), "MESSAGE_ENCODING", "byte 0"),
    "ebcdic": (GOOD.encode("cp500"), "MESSAGE_ENCODING", "byte 0"),
    "half a utf-16 character": (GOOD.replace("UTF-8", "UTF-16").encode("utf-16")[:-1], "MESSAGE_CUT_OFF", ""),
    "doctype": (with_doctype("<!DOCTYPE Document>"), "MESSAGE_DOCTYPE", "before the root"),
    "entity": (with_doctype("<!DOCTYPE x [<!ENTITY e 'Claire'>]>", "&e;"), "MESSAGE_DOCTYPE", "before the root"),
    "bomb": (with_doctype(BOMB, "&j;"), "MESSAGE_DOCTYPE", "before the root"),
    "external entity": (with_doctype('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"), "MESSAGE_DOCTYPE", ""),
    "external doctype": (with_doctype('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'), "MESSAGE_DOCTYPE", ""),
    "unknown entity": (GOOD.replace("Claire", "&nope;").encode(), "MESSAGE_NOT_XML", "line 4"),
    "no namespace": (GOOD.replace(' xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"', "").encode(), "MESSAGE_UNKNOWN", ""),
    "unknown version": (GOOD.replace("pain.001.001.09", "pain.001.001.99").encode(), "MESSAGE_UNKNOWN", ""),
    "another message": (GOOD.replace("pain.001.001.09", "camt.053.001.08").encode(), "MESSAGE_NOT_EXPECTED", ""),
    "html": (b"<html><body>404</body></html>", "MESSAGE_UNKNOWN", ""),
    "other version's content": (single(OLD).replace(b".03", b".09"), "MESSAGE_BREAKS_DEFINITION", "line 3"),
    "element missing": (GOOD.replace("<EndToEndId>E2E-1</EndToEndId>", "").encode(), "MESSAGE_BREAKS_DEFINITION", "PmtId"),
    "bad pattern": (GOOD.replace("BNPAFRPP", "bnpafrpp").encode(), "MESSAGE_BREAKS_DEFINITION", "CdtrAgt/FinInstnId/BICFI"),
    "negative amount": (GOOD.replace(">10.00<", ">-10.00<").encode(), "MESSAGE_BREAKS_DEFINITION", "Amt/InstdAmt"),
    "deep": (GOOD.replace("Claire Dupont", "<a>" * 300 + "</a>" * 300).encode(), "MESSAGE_BREAKS_DEFINITION", "Cdtr/Nm"),
    "deep in supplementary data": (
        GOOD.replace("</CdtTrfTxInf>", "<SplmtryData><Envlp>" + DEEP + "</Envlp></SplmtryData></CdtTrfTxInf>")
        .encode(), "MESSAGE_TOO_LARGE", ""),
    "long attribute": (GOOD.replace('Ccy="EUR"', f'Ccy="{"E" * (11 << 20)}"').encode(), "MESSAGE_BREAKS_DEFINITION", ""),
    "long name of an element": (GOOD.replace("<Cdtr>", f"<{'x' * (1 << 20)}>").encode(), "MESSAGE_NOT_XML", "line 4"),
    "long text": (GOOD.replace("Claire", "C" * (11 << 20)).encode(), "MESSAGE_TOO_LARGE", ""),
    "long white space": (GOOD.replace("<CdtTrfTxInf>", " " * (18 << 20) + "<CdtTrfTxInf>").encode(), "MESSAGE_TOO_LARGE", ""),
    "long comment": (GOOD.replace("<CdtTrfTxInf>", "<!--" + MEGABYTES_11 + "--><CdtTrfTxInf>").encode(), "MESSAGE_TOO_LARGE", ""),
    "long prolog": (("<!-- x -->" * 10_000 + GOOD.split("\n", 1)[1]).encode(), "MESSAGE_TOO_LARGE", ""),
    "many small elements in one payment": (
        GOOD.replace("<Ustrd>Invoice 1</Ustrd>", "<Ustrd>a</Ustrd>" * 1_200_000).encode(), "MESSAGE_TOO_LARGE", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_no_message_is_refused_with_code_and_place(name: str):
    data, code, where = CASES[name]
    answer = read_pain001(data)
    assert isinstance(answer, Refusal), answer
    assert answer.code == code, answer
    assert where in answer.where, answer
    assert len(answer.message) < 400
    assert answer.message.isprintable()
    for reader in (read_pain002, read_camt053, validate):
        other = reader(data)
        assert isinstance(other, Refusal) or reader is validate


@pytest.mark.parametrize(
    ("declared", "encoding", "mark", "name"),
    [
        ("UTF-8", "utf-8", b"", "Zoë"), ("UTF-8", "utf-8", b"\xef\xbb\xbf", "Zoë"), ("utf8", "utf-8", b"", "Zoë"),
        ("UTF-16", "utf-16-le", b"\xff\xfe", "Zoë"), ("UTF-16", "utf-16-be", b"\xfe\xff", "Zoë"),
        ("UTF-16", "utf-16-be", b"", "Zoë"),
        ("UTF-16LE", "utf-16-le", b"", "Zoë"), ("ISO-8859-1", "latin-1", b"", "Zoë"),
        ("ISO-8859-15", "iso-8859-15", b"", "Zoë €"),
        ("windows-1252", "cp1252", b"", "Zoë €"), ("Windows-1251", "cp1251", b"", "Зоя"), ("US-ASCII", "ascii", b"", "Zoe"),
        ("US-ASCII", "ascii", b"", "&#x5317;&#20140;"),
    ],
)  # fmt: skip
def test_encodings_that_we_read_are_read(declared: str, encoding: str, mark: bytes, name: str):
    text = GOOD.replace("UTF-8", declared).replace("Claire Dupont", name)
    file = read_pain001(mark + text.encode(encoding))
    assert isinstance(file, CreditTransferFile), file
    (batch,) = file.batches()
    assert batch.creditor_name == ["北京" if name.startswith("&") else name]


@pytest.mark.parametrize("source", ["/does/not/exist.xml", "/", "a\0b"])
def test_a_path_that_cannot_be_opened_is_refused(source: str):
    answer = read_pain001(source)
    assert isinstance(answer, Refusal)
    assert answer.code == "MESSAGE_FILE_MISSING"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_cut_at_any_byte_is_refused_as_cut_off(encoding: str):
    data = GOOD.replace("UTF-8", encoding).encode(encoding)
    begun = data.index("GrpHdr".encode(encoding)[-4:])
    for cut in range(1, len(data)):
        answer = read_pain001(data[:cut])
        assert isinstance(answer, Refusal), cut
        assert cut < begun or answer.code == "MESSAGE_CUT_OFF", (cut, answer)


def test_limits_are_the_callers_to_set():
    assert isinstance(read_pain001(GOOD.encode(), limits=Limits(file_bytes=len(GOOD) - 1)), Refusal)
    assert isinstance(read_pain001(GOOD.encode(), limits=Limits(file_bytes=len(GOOD))), CreditTransferFile)


def test_every_refusal_of_rails_is_registered_with_the_exit_code_for_unreadable():
    import qenex.rails.refusals  # noqa: F401

    codes = {code for code in REFUSALS if code.startswith("MESSAGE_")}
    assert {case[1] for case in CASES.values() if case[1]} <= codes
    assert all(REFUSALS[code].exit_code == EXIT_USAGE for code in codes)


def test_the_place_of_a_fault_far_into_a_large_file_is_its_line_and_column():
    rows = [transaction(end_to_end_id=f"E{number}") for number in range(3000)]
    rows[2500] = rows[2500].replace("<Ctry>FR</Ctry>", "<Ctry>F1</Ctry>")
    data = message([payment(rows)], count="3000").encode()
    answer = read_pain001(data)
    assert isinstance(answer, Refusal)
    before = data[: data.index(b"F1</Ctry>") + len(b"F1</Ctry>")]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n") - 1
    path = "CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/Cdtr/PstlAdr/Ctry"
    assert answer.where == f"line {line}, column {column}, byte {len(before)}, {path}"


def check_like_the_official_schema(data: bytes, official: dict[str, etree.XMLSchema]) -> None:
    """Whatever the bytes: no crash; and when XML and schema are right by libxml2 alone, we read it, otherwise we refuse it."""
    answer = read_pain001(data)
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        assert isinstance(answer, Refusal), data
        return
    schema = official.get(root.tag.rpartition("}")[0][1:])
    valid = schema is not None and schema.validate(root) and root.getroottree().docinfo.internalDTD is None
    if valid and isinstance(answer, Refusal) and answer.code == "MESSAGE_ENCODING":
        return  # libxml2 lets a byte order mark overrule a declaration that makes no sense; we do not.
    assert isinstance(answer, CreditTransferFile) == valid, (answer, data)
    if isinstance(answer, CreditTransferFile):
        assert sum(len(batch) for batch in answer.batches()) == answer.transaction_count


@pytest.fixture(scope="module")
def official(schemas: Path) -> dict[str, etree.XMLSchema]:
    prefix = "urn:iso:std:iso:20022:tech:xsd:"
    return {prefix + m: etree.XMLSchema(etree.parse(str(find_schema(schemas, m)))) for m in (OLD, NEW)}


def test_mutated_bytes_of_real_files_are_read_exactly_when_the_official_schema_takes_them(official, corpus: Path):
    entries = json.loads((corpus / "manifest.json").read_text())["entries"]
    real = [
        corpus / e["file"] for e in entries if "pain.001.001.03" in e["message"] or "pain.001.001.09" in e["message"]
    ]
    seeds = [path.read_bytes() for path in real] + [single(OLD), single(NEW)]
    chance = random.Random(20022)
    read = 0
    for number in range(2_000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice([0, 1, 1, 2, 5])):
            place, length = chance.randrange(len(data)), chance.choice([1, 1, 4, 30])
            kind = number % 5
            if kind == 0:
                data[place] = chance.randrange(256)
            elif kind == 1:
                del data[place : place + length]
            elif kind == 2:
                data[place:place] = data[place : place + length]
            elif kind == 3:
                data[place : place + 1] = chance.choice(
                    [b"<", b">", b"&", b"\0", b'"', b"9", b" ", b"]]>", b"&#0;", b"\xff\xfe"]
                )
            else:
                data[place] = chance.choice(b"0123456789ABCDEFabcdef.-: ")
        check_like_the_official_schema(bytes(data), official)
        read += isinstance(read_pain001(bytes(data)), CreditTransferFile)
    assert read > 50


@given(st.binary(max_size=300))
def test_random_bytes_never_crash_a_reader(data: bytes):
    for reader in (read_pain001, read_pain002, read_camt053, validate):
        assert isinstance(reader(data), Refusal)


@settings(max_examples=150)
@given(
    st.text(max_size=60),
    st.sampled_from(["Claire Dupont", "10.00", "E2E-1", "<CdtTrfTxInf>", "2026-11-23", "EUR", "MSG-1"]),
)
def test_random_text_in_any_place_is_read_or_refused(text: str, place: str):
    data = GOOD.replace(place, text).encode("utf-8", "surrogatepass")
    answer = read_pain001(data)
    assert isinstance(answer, Refusal | CreditTransferFile)


# The high-water mark of the new process alone; getrusage would also count the process it was forked from.
MEMORY_PROBE = """
import re, sys
from qenex.rails import read_pain001
from qenex.values import Refusal
def peak(): return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
base = peak()
answer = read_pain001(sys.argv[1])
rows = answer.code if isinstance(answer, Refusal) else sum(len(batch) for batch in answer.batches())
print(rows, peak() - base)
"""


def peak_kilobytes(path: Path) -> tuple[str, int]:
    """What reading a file gives (refusal code or rows), and by how much it raises the memory of a process of its own."""
    done = subprocess.run([sys.executable, "-c", MEMORY_PROBE, str(path)], capture_output=True, text=True, check=True)
    answer, kilobytes = done.stdout.split()
    return answer, int(kilobytes)


def refused_within(path: Path, megabytes: int) -> str:
    code, kilobytes = peak_kilobytes(path)
    assert kilobytes < megabytes * 1024, (code, kilobytes)
    return code


def sparse(path: Path, size: int, filler: bytes) -> Path:
    """A message whose inside is `size` bytes of one character: zero bytes as a hole in the file, spaces written out."""
    head, tail = GOOD.encode().split(b"<CdtTrfTxInf>", 1)
    with path.open("wb") as file:
        file.write(head)
        if filler == b"\0":
            file.seek(size, os.SEEK_CUR)
        else:
            for _ in range(size >> 20):
                file.write(filler * (1 << 20))
        file.write(b"<CdtTrfTxInf>" + tail)
    return path


@pytest.mark.parametrize("filler", [b"\0", b" "])
def test_a_file_of_64_megabytes_of_nothing_is_refused_in_little_memory(filler: bytes, tmp_path: Path):
    assert refused_within(sparse(tmp_path / "hole.xml", 64 << 20, filler), 64) in (
        "MESSAGE_NOT_XML",
        "MESSAGE_TOO_LARGE",
    )


@pytest.mark.soak
@pytest.mark.parametrize("filler", [b"\0", b" "])
def test_a_file_of_a_gigabyte_of_nothing_is_refused_in_little_memory(filler: bytes, tmp_path: Path):
    assert refused_within(sparse(tmp_path / "hole.xml", 1 << 30, filler), 64) in (
        "MESSAGE_NOT_XML",
        "MESSAGE_TOO_LARGE",
    )


def filled(path: Path, count: int) -> Path:
    with path.open("w") as file:
        head, tail = message([payment(["SPLIT"])], count=str(count)).split("SPLIT")
        file.write(head)
        for number in range(count):
            file.write(transaction(end_to_end_id=f"E{number}") + "\n")
        file.write(tail)
    return path


@pytest.mark.parametrize(
    ("count", "megabytes"),
    [(20_000, 60), pytest.param(1_000_000, 400, marks=pytest.mark.soak)],
    ids=["20000", "1000000"],
)
def test_a_file_of_many_transactions_reads_in_bounded_memory(count: int, megabytes: int, tmp_path: Path):
    rows, kilobytes = peak_kilobytes(filled(tmp_path / "many.xml", count))
    assert rows == str(count)
    assert kilobytes < megabytes * 1024, kilobytes
