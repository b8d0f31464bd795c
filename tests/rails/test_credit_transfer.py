"""pain.001: what a file says comes out exactly, and what it says wrongly comes out as a finding with its ISO reason code."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from tests.rails.examples import IBAN_OF_CREDITOR, IBAN_OF_DEBTOR, NEW, OLD, message, payment, single, transaction

from qenex.rails import BATCH_ROWS, CreditTransferFile, read_pain001
from qenex.values import Refusal


def read(data: bytes | str) -> CreditTransferFile:
    file = read_pain001(data.encode() if isinstance(data, str) else data)
    assert isinstance(file, CreditTransferFile), file
    return file


@pytest.mark.parametrize("version", [OLD, NEW])
def test_every_column_of_a_transaction_comes_out_as_written(version: str):
    uetr = "8a562c67-ca16-48ba-b074-65581be6f001"
    one = transaction(version, remittance="<Ustrd>Rent &amp; heat</Ustrd><Ustrd>November</Ustrd>")
    if version == NEW:
        one = one.replace("</PmtId>", f"<UETR>{uetr}</UETR></PmtId>")
    data = message([payment([one], version, count="1", control_sum="10.00")], version, control_sum="10").encode()
    file = read(data)
    assert file.header.version == version
    assert (file.header.message_id, file.header.created) == ("MSG-1", "2026-11-20T10:00:00Z")
    assert (file.header.declared_count, file.header.declared_sum, file.header.initiating_party) == (
        1,
        "10",
        "Example GmbH",
    )
    assert (file.transaction_count, file.totals_minor, file.findings) == (1, {"EUR": 1000}, [])
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    (batch,) = file.batches()
    expected = {
        "payment": 0, "instruction_id": "I-E2E-1", "end_to_end_id": "E2E-1", "uetr": uetr if version == NEW else None,
        "currency": "EUR", "amount_minor": 1000, "creditor_name": "Claire Dupont", "creditor_country": "FR",
        "creditor_iban": IBAN_OF_CREDITOR, "creditor_other_id": None, "creditor_agent_bic": "BNPAFRPP",
        "ultimate_debtor_name": None, "ultimate_creditor_name": None, "remittance_unstructured": "Rent & heat November",
        "remittance_reference": None, "purpose": None, "charge_bearer": "SLEV", "category_purpose": "SALA",
        "payment_information_id": "PMT-1", "requested_execution_date": "2026-11-23", "batch_booking": True,
        "debtor_name": "Example GmbH", "debtor_iban": IBAN_OF_DEBTOR, "debtor_other_id": None, "debtor_agent_bic": "COBADEFFXXX",
    }  # fmt: skip
    assert {name: getattr(batch, name)[0] for name in expected} == expected
    assert batch.findings == {}
    assert batch.reject_reason == [None]


@pytest.mark.parametrize(
    ("changes", "code", "reason", "severity", "minor"),
    [
        ({"amount": "0.00"}, "AMOUNT_ZERO", "AM01", "reject", 0),
        ({"amount": "-0"}, "AMOUNT_ZERO", "AM01", "reject", 0),
        ({"amount": "1.001"}, "AMOUNT_TOO_PRECISE", "CH20", "reject", None),
        ({"amount": "1.5", "currency": "JPY"}, "AMOUNT_TOO_PRECISE", "CH20", "reject", None),
        ({"amount": "1.0001", "currency": "KWD"}, "AMOUNT_TOO_PRECISE", "CH20", "reject", None),
        ({"amount": "1.500"}, "AMOUNT_EXTRA_ZEROS", "CH20", "flag", 150),
        ({"amount": "7.00", "currency": "JPY"}, "AMOUNT_EXTRA_ZEROS", "CH20", "flag", 7),
        ({"amount": "0" * 5000 + "1"}, "AMOUNT_INVALID", "AM12", "reject", None),
        ({"currency": "ZZZ"}, "CURRENCY_UNKNOWN", "AM11", "reject", None),
        ({"iban": "FR1420041010050500013M02607"}, "IBAN_INVALID", "AC01", "reject", 1000),
        ({"iban": "DE8937040044053201300"}, "IBAN_INVALID", "AC01", "reject", 1000),
        ({"iban": "ZZ89370400440532013000"}, "IBAN_INVALID", "AC01", "reject", 1000),
        ({"iban": None}, "CREDITOR_ACCOUNT_MISSING", "AC03", "reject", 1000),
        ({"bic": "BNPAZZPP"}, "BIC_INVALID", "RC01", "reject", 1000),
        ({"amount_xml": '<EqvtAmt><Amt Ccy="USD">5</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt>'},
         "AMOUNT_EQUIVALENT", "CH17", "reject", None),
        ({"remittance": "<Strd><CdtrRefInf><Ref>RF19539007547034</Ref></CdtrRefInf></Strd>"},
         "REFERENCE_INVALID", "RR07", "flag", 1000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_wrong_value_is_a_finding_with_its_reason(
    version: str, changes: dict[str, str | None], code, reason, severity, minor
):
    (batch,) = read(single(version, **changes)).batches()
    (finding,) = batch.findings[0]
    assert (finding.code, finding.reason, finding.severity) == (code, reason, severity)
    assert finding.path.startswith("PmtInf[1]/CdtTrfTxInf[1]/")
    assert finding.text.endswith(".")
    assert batch.amount_minor == [minor]
    assert batch.reject_reason == [reason if severity == "reject" else None]
    assert batch.reject_text == [finding.text if severity == "reject" else None]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1", "EUR", 100), ("1.", "EUR", 100), (".5", "EUR", 50), ("+1.5", "EUR", 150), (" 2.25 ", "EUR", 225), ("12", "JPY", 12),
        ("1.234", "KWD", 1234), ("1.2345", "CLF", 12345), ("999999999999999999", "EUR", 99999999999999999900),
        ("9999999999999999.99", "EUR", 999999999999999999), ("000000000000000000000001.10", "EUR", 110),
    ],
)  # fmt: skip
def test_amounts_are_exact_minor_units(text: str, currency: str, minor: int):
    (batch,) = read(single(amount=text, currency=currency)).batches()
    assert batch.amount_minor == [minor]
    assert batch.findings == {}


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"count": "2"}, "COUNT_WRONG_IN_PAYMENT", "AM20"),
        ({"control_sum": "10.01"}, "SUM_WRONG_IN_PAYMENT", "AM17"),
        ({"method": "CHK"}, "PAYMENT_METHOD_UNSUPPORTED", "AG03"),
        ({"iban": "DE88370400440532013000"}, "IBAN_INVALID", "AC01"),
        ({"bic": "COBAZZFFXXX"}, "BIC_INVALID", "RC01"),
        ({"day": "12026-11-23"}, "DATE_INVALID", "DT01"),
    ],
)
def test_a_wrong_payment_information_rejects_its_transactions_and_no_others(
    changes: dict[str, str], code: str, reason: str
):
    good = payment([transaction(end_to_end_id="GOOD")], identifier="GOOD")
    bad = payment([transaction(end_to_end_id="BAD")], identifier="BAD", **changes)
    file = read(message([good, bad, good.replace("GOOD", "LAST")], count="3"))
    (finding,) = file.findings
    assert (finding.code, finding.reason, finding.path.split("/")[0]) == (code, reason, "PmtInf[2]")
    assert not file.rejected
    (batch,) = file.batches()
    assert batch.reject_reason == [None, reason, None]


def test_a_repeated_payment_information_id_rejects_the_second():
    one = payment([transaction(end_to_end_id="A")], identifier="SAME")
    two = payment([transaction(end_to_end_id="B")], identifier="SAME")
    file = read(message([one, two], count="2"))
    assert [(finding.code, finding.reason) for finding in file.findings] == [("PAYMENT_INFORMATION_DUPLICATE", "DU02")]
    assert [batch.reject_reason for batch in file.batches()] == [[None, "DU02"]]


@pytest.mark.parametrize(
    ("count", "control_sum", "reasons"),
    [
        ("1", "0" * 5000 + "10." + "0" * 5000, []),
        ("1", "0" * 5000 + "9", ["AM10"]),
        ("2", None, ["AM18"]),
        ("1", "10.001", ["AM10"]),
        ("7", "9", ["AM10", "AM18"]),
        ("1", "10.000", []),
        ("1", "+10", []),
    ],
)
def test_wrong_totals_of_the_group_reject_the_file(count: str, control_sum: str | None, reasons: list[str]):
    file = read(message([payment([transaction()])], count=count, control_sum=control_sum))
    assert [finding.reason for finding in file.findings] == reasons
    assert {finding.code for finding in file.findings} <= {"COUNT_WRONG", "SUM_WRONG"}
    assert file.rejected == bool(reasons)


def test_a_control_sum_counts_amounts_of_every_currency_and_rejected_ones_exactly():
    rows = [
        transaction(end_to_end_id="1", amount="0.1"),
        transaction(end_to_end_id="2", amount="0.2"),
        transaction(end_to_end_id="3", amount="5", currency="JPY"),
        transaction(end_to_end_id="4", amount="0.001"),
        transaction(end_to_end_id="5", amount="100", currency="ZZZ"),
    ]
    file = read(message([payment(rows, count="5", control_sum="105.301")], count="5", control_sum="105.301"))
    assert file.findings == []
    assert file.totals_minor == {"EUR": 30, "JPY": 5}


def test_sentences_stay_short_however_long_the_text_in_the_file():
    zeros = "0" * 100_000
    for text in (zeros + "1.001", zeros + "1.100", "1." + "0" * 100_000, "0." + zeros):
        (batch,) = read(single(amount=text)).batches()
        assert all(len(finding.text) < 200 for finding in batch.findings[0])
    file = read(message([payment([transaction()], control_sum=zeros + "7")], control_sum=zeros + "8"))
    assert all(len(finding.text) < 200 for finding in file.findings)
    assert len(file.findings) == 2


def test_more_payment_informations_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("qenex.rails.iso20022.credit_transfer.PAYMENTS_MAX", 2)
    answer = read_pain001(many(3, 3))
    assert isinstance(answer, Refusal)
    assert answer.code == "MESSAGE_TOO_LARGE"


def test_a_repeated_end_to_end_id_is_flagged_and_not_provided_is_not():
    rows = [transaction(end_to_end_id=name) for name in ("A", "NOTPROVIDED", "B", "NOTPROVIDED", "A")]
    (batch,) = read(message([payment(rows)], count="5")).batches()
    assert list(batch.findings) == [4]
    (found,) = batch.findings[4]
    assert (found.code, found.reason, found.severity) == ("END_TO_END_ID_REPEATED", "DU04", "flag")
    assert batch.reject_reason == [None] * 5


def many(count: int, payments: int = 1) -> bytes:
    blocks, number = [], 0
    for block in range(payments):
        rows = []
        for _ in range(count // payments):
            rows.append(transaction(end_to_end_id=f"E{number}", amount=f"{number % 997 + 1}.{number % 100:02}"))
            number += 1
        blocks.append(payment(rows, identifier=f"P{block}"))
    return message(blocks, count=str(number)).encode()


@pytest.mark.parametrize(
    ("count", "payments"),
    [(1, 1), (BATCH_ROWS, 1), (BATCH_ROWS + 1, 1), (3 * BATCH_ROWS, 2), (900, 300), (BATCH_ROWS + 8, BATCH_ROWS + 8)],
)
def test_batches_hold_every_row_once_in_order_and_at_most_8192(count: int, payments: int):
    file = read(many(count, payments))
    position, total = 0, 0
    for batch in file.batches():
        assert batch.first == position
        assert 0 < len(batch) <= BATCH_ROWS
        assert batch.end_to_end_id == [f"E{number}" for number in range(position, position + len(batch))]
        assert [f"P{index}" for index in batch.payment] == batch.payment_information_id
        total += sum(minor for minor in batch.amount_minor if minor is not None)
        position += len(batch)
    assert position == file.transaction_count == count
    assert {"EUR": total} == file.totals_minor
    assert [payment.count for payment in file.payments] == [count // payments] * payments


def test_batches_beyond_memory_come_back_from_the_spool_again_and_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("qenex.rails.iso20022.credit_transfer.BATCHES_IN_MEMORY", 1)
    data = many(3 * BATCH_ROWS).replace(b"FR1420041010050500013M02606", b"FR1420041010050500013M02607", 1)
    with read(data) as file:
        for _ in range(2):
            batches = list(file.batches())
            assert [len(batch) for batch in batches] == [BATCH_ROWS] * 3
            assert batches[0].reject_reason[:2] == ["AC01", None]
            assert batches[2].end_to_end_id[-1] == f"E{3 * BATCH_ROWS - 1}"


@pytest.mark.parametrize("kind", ["path", "text path", "bytes", "stream", "pipe"])
def test_a_file_reads_the_same_from_every_kind_of_source(kind: str, tmp_path: Path):
    data = single()
    path = tmp_path / "payments.xml"
    path.write_bytes(data)

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    source = {"path": path, "text path": str(path), "bytes": data, "stream": io.BytesIO(data), "pipe": Pipe(data)}[kind]
    file = read_pain001(source)
    assert not isinstance(file, Refusal)
    assert file.transaction_count == 1


def test_comments_instructions_cdata_prefixes_and_line_ends_change_nothing():
    plain = single().decode()
    (expected,) = read(plain).batches()
    variants = {
        "comments": plain.replace("<Nm>Claire Dupont", "<!-- a --><Nm>Claire <!-- b -->Dupont"),
        "instruction": plain.replace("<GrpHdr>", "<?keep this?><GrpHdr>"),
        "cdata": plain.replace("Claire Dupont", "<![CDATA[Claire]]> Dupont"),
        "characters": plain.replace("Claire", "&#67;la&#x69;re"),
        "line ends": plain.replace("><", ">\r\n\t<"),
    }
    namespace = "urn:iso:std:iso:20022:tech:xsd:" + NEW
    prefixed = plain.replace(f' xmlns="{namespace}"', "").replace("</", "\0").replace("<", "<p:").replace("\0", "</p:")
    variants["prefix"] = prefixed.replace("<p:?xml", "<?xml").replace(
        "<p:Document", f'<p:Document xmlns:p="{namespace}"'
    )
    for name, text in variants.items():
        (batch,) = read(text).batches()
        assert batch == expected, name


def test_copies_of_our_elements_inside_supplementary_data_are_not_payments():
    inner = message([payment([transaction(end_to_end_id="FAKE")])], before="")
    extra = f"<SplmtryData><Envlp>{inner}</Envlp></SplmtryData>"
    text = message([payment([transaction(extra=extra), transaction(end_to_end_id="E2E-2")])], count="2")
    text = text.replace("</CstmrCdtTrfInitn></Document>", extra + "</CstmrCdtTrfInitn></Document>")
    text = text.replace(extra + "</CstmrCdtTrfInitn></Document></Envlp>", "</CstmrCdtTrfInitn></Document></Envlp>")
    file = read(text)
    assert [batch.end_to_end_id for batch in file.batches()] == [["E2E-1", "E2E-2"]]
    assert file.findings == []
    assert len(file.payments) == 1


@pytest.mark.parametrize("padding", [0, 70_000], ids=["in one piece", "in pieces"])
@pytest.mark.parametrize("blank", [" ", " <!-- c -->", "<!-- c --> ", " <?p i?>", "\n", "<![CDATA[ ]]>", "&#32;"])
def test_a_value_of_white_space_only_is_a_value(blank: str, padding: int):
    text = single().decode().replace("Claire Dupont", blank) + " " * padding
    (batch,) = read(text).batches()
    assert batch.creditor_name == ["\n" if blank == "\n" else " "]
