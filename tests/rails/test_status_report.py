"""pain.002: the answer is valid by the official schema, says what was decided, and comes back the same when read."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.rails.derive_definitions import find_schema
from tests.rails.examples import NEW, OLD, message, payment, transaction

from qenex.rails import (
    ANSWERS,
    REASONS,
    CreditTransferFile,
    StatusColumns,
    StatusReport,
    StatusSummary,
    group_status,
    read_pain001,
    read_pain002,
    write_pain002,
)
from qenex.rails.iso20022.schema import compiled_schema
from qenex.values import InvariantBroken

CREATED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def read(data: str) -> CreditTransferFile:
    file = read_pain001(data.encode())
    assert isinstance(file, CreditTransferFile), file
    return file


def answer(file: CreditTransferFile, decisions: list[StatusColumns], **more: str) -> tuple[StatusSummary, bytes]:
    out = io.BytesIO()
    summary = write_pain002(
        out, file, decisions, message_id="ST-1", created=CREATED, servicer_bic="QNEXDEFFXXX", **more
    )
    return summary, out.getvalue()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"ACSC": 3}, "ACSC"), ({"RJCT": 2}, "RJCT"), ({"ACSC": 1, "RJCT": 1}, "PART"), ({"ACSC": 1, "ACSP": 1}, "ACSP"),
        ({"ACSC": 1, "PDNG": 1}, "PDNG"), ({"ACSC": 0, "ACSP": 4}, "ACSP"), ({"ACCP": 1, "ACSP": 1, "ACSC": 1}, "ACCP"),
    ],
)  # fmt: skip
def test_the_status_of_a_whole_follows_from_its_parts(counts: dict[str, int], expected: str):
    assert group_status(counts) == expected


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_whole_report_as_written(version: str):
    rows = [transaction(version, end_to_end_id="A"), transaction(version, end_to_end_id="B", amount="7.5")]
    file = read(message([payment(rows, version)], version, count="2", control_sum="17.5"))
    decided = StatusColumns(["ACSC", "RJCT"], [None, "AC04"], [None, "The account <closed> & gone."], ["T-1", None])
    summary, data = answer(file, [decided])
    expected = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{ANSWERS[version]}"><CstmrPmtStsRpt><GrpHdr><MsgId>ST-1</MsgId>
<CreDtTm>2026-11-21T09:30:00Z</CreDtTm><DbtrAgt><FinInstnId><BIC>QNEXDEFFXXX</BIC></FinInstnId></DbtrAgt></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>MSG-1</OrgnlMsgId><OrgnlMsgNmId>{version}</OrgnlMsgNmId>
<OrgnlCreDtTm>2026-11-20T10:00:00Z</OrgnlCreDtTm><OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>17.5</OrgnlCtrlSum>
<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>PMT-1</OrgnlPmtInfId><OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>17.5</OrgnlCtrlSum>
<PmtInfSts>PART</PmtInfSts>
<TxInfAndSts><OrgnlInstrId>I-A</OrgnlInstrId><OrgnlEndToEndId>A</OrgnlEndToEndId><TxSts>ACSC</TxSts>
<AcctSvcrRef>T-1</AcctSvcrRef><OrgnlTxRef><Amt><InstdAmt Ccy="EUR">10.00</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>
<TxInfAndSts><OrgnlInstrId>I-B</OrgnlInstrId><OrgnlEndToEndId>B</OrgnlEndToEndId><TxSts>RJCT</TxSts>
<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>The account &lt;closed&gt; &amp; gone.</AddtlInf></StsRsnInf>
<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">7.50</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts></OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>
"""
    if version == NEW:
        expected = expected.replace("BIC>", "BICFI>")
    assert data.decode() == expected.replace(">\n<", "><").replace("?><", "?>\n<")
    assert summary == StatusSummary(ANSWERS[version], "PART", {"ACSC": 1, "RJCT": 1})


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_file_refused_as_a_whole_lists_no_transaction(version: str, schemas: Path):
    file = read(message([payment([transaction(version)], version)], version, count="7"))
    assert file.reject is not None
    summary, data = answer(file, [], group_reason=file.reject.reason, group_text=file.reject.text)
    report = read_pain002(data)
    assert isinstance(report, StatusReport)
    assert (summary.group_status, report.group_status, report.group_reason) == ("RJCT", "RJCT", "AM18")
    assert report.group_text == file.reject.text
    assert report.transactions == []
    assert etree.XMLSchema(etree.parse(str(find_schema(schemas, ANSWERS[version])))).validate(etree.fromstring(data))


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)
ids = st.text(st.sampled_from("abcXYZ019 /-?:().,'+ä€<>&\"\n\t"), min_size=1, max_size=35)


@st.composite
def decided_files(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str | None, str | None, str | None]]]:
    version = draw(st.sampled_from([OLD, NEW]))
    blocks, decisions, number = [], [], 0
    for block in range(draw(st.integers(1, 4))):
        rows = []
        for _ in range(draw(st.integers(1, 4))):
            amount, code = draw(
                st.sampled_from([("10.00", "EUR"), ("7", "JPY"), ("1.2345", "EUR"), ("5", "ZZZ"), ("9" * 18, "USD")])
            )
            rows.append(transaction(version, end_to_end_id=f"E{number}", amount=amount, currency=code))
            status = draw(st.sampled_from(["ACSC", "ACSP", "PDNG", "RJCT"]))
            reason = draw(st.sampled_from(sorted(REASONS))) if status == "RJCT" else None
            decisions.append((status, reason, draw(texts | st.none()), draw(ids | st.none())))
            number += 1
        blocks.append(payment(rows, version, identifier=f"P{block}"))
    total = draw(st.sampled_from([None, "+1.50", ".5", "000001", "17.", "0.00000000000000001", "123456789012345678"]))
    return version, message(blocks, version, count=str(number), control_sum=total), decisions


@settings(max_examples=60)
@given(decided_files())
def test_what_was_decided_is_what_is_read_and_the_report_is_valid(case):
    version, data, decisions = case
    file = read(data)
    summary, written = answer(file, [StatusColumns(*map(list, zip(*decisions)))])
    schema = compiled_schema(ANSWERS[version])
    assert schema.validate(etree.fromstring(written)), schema.error_log
    report = read_pain002(written)
    assert isinstance(report, StatusReport), report
    assert report.message == summary.message == ANSWERS[version]
    assert (report.original_message_id, report.original_message_name) == ("MSG-1", version)
    assert report.group_status == summary.group_status
    assert len(report.transactions) == file.transaction_count == len(decisions)
    (batch,) = file.batches()
    for row, (decision, said) in enumerate(zip(decisions, report.transactions)):
        assert (said.status, said.reason, said.reference) == (decision[0], decision[1], decision[3])
        assert said.end_to_end_id == f"E{row}"
        assert said.payment_information_id == batch.payment_information_id[row]
    assert set(report.payment_statuses) == {payment.payment_information_id for payment in file.payments}


def test_a_decision_for_every_transaction_is_demanded():
    file = read(message([payment([transaction(), transaction(end_to_end_id="2")])], count="2"))
    with pytest.raises(InvariantBroken):
        answer(file, [StatusColumns(["ACSC"], [None])])


def test_every_status_reason_code_has_a_sentence():
    assert len(REASONS) == 301
    assert all(len(code) == 4 and text and text[-1] not in ". " for code, text in REASONS.items())
