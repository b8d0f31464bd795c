"""Writers made from a definition: order, nesting and every value are right, or the mistake is named."""

from __future__ import annotations

import io
import random
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.rails.derive_definitions import find_schema
from tests.rails.examples import IBAN_OF_CREDITOR, IBAN_OF_DEBTOR, NEW, OLD
from tests.rails.instances import simple_value

from qenex.rails import CreditTransferFile, TransferColumns, TransferOrder, ValueNotAllowed, read_pain001, write_pain001
from qenex.rails.iso20022.definition import MESSAGES, Definition, Simple, definition
from qenex.rails.iso20022.schema import schema_text
from qenex.rails.iso20022.writing import RowWriter, amount_texts, moment_text, simple_check

ENTRY = "BkToCstmrStmt/Stmt/Ntry"
CAMT = definition("camt.053.001.08")
NEEDED = {"Amt": ["1"], "Amt@Ccy": "EUR", "CdtDbtInd": ["CRDT"], "Sts/Cd": ["BOOK"], "BkTxCd/Prtry/Cd": ["x"]}


def write(count: int, columns: dict[str, Any]) -> str:
    return RowWriter(CAMT, ENTRY, columns).write(count, columns)


def test_elements_come_in_the_order_of_the_definition_whatever_the_order_of_the_columns():
    forward = write(1, {**NEEDED, "NtryRef": ["r"]})
    assert forward == write(1, dict(reversed({**NEEDED, "NtryRef": ["r"]}.items())))
    assert [child.tag for child in etree.fromstring(forward)] == ["NtryRef", "Amt", "CdtDbtInd", "Sts", "BkTxCd"]


def test_a_value_that_is_none_leaves_no_trace_and_an_empty_container_goes_with_it():
    many = {name: value * 3 if isinstance(value, list) else value for name, value in NEEDED.items()}
    columns = {**many, "BookgDt/Dt": ["2026-11-20", None, None], "NtryDtls/TxDtls/Refs/TxId": [None, "t", None]}
    rows = etree.fromstring("<rows>" + write(3, columns) + "</rows>")
    assert [len(row.findall("BookgDt")) for row in rows] == [1, 0, 0]
    assert [len(row.findall("NtryDtls")) for row in rows] == [0, 1, 0]


def test_percent_signs_and_markup_are_only_text():
    nasty = "100 % %s %(a)s <b>&amp;</b> ]]> \"'"
    for columns in ({"AddtlNtryInf": [nasty]}, {"AddtlNtryInf": nasty}, {"AddtlNtryInf": [nasty, None]}):
        count = 2 if columns["AddtlNtryInf"] == [nasty, None] else 1
        base = {name: value * count if isinstance(value, list) else value for name, value in NEEDED.items()}
        row = etree.fromstring("<rows>" + write(count, {**base, **columns}) + "</rows>")[0]
        assert row.findtext("AddtlNtryInf") == nasty


@pytest.mark.parametrize(
    ("columns", "error", "match"),
    [
        ({"Nope": ["x"]}, KeyError, "no such elements"),
        ({"BookgDt/Nope": ["x"]}, KeyError, "no such elements"),
        ({"Amt@Nope": ["x"]}, KeyError, "no such elements"),
        ({"NtryDtls/TxDtls/RltdPties/Dbtr/Pty/Id/OrgId/Othr/Issr": ["x"]}, KeyError, "required"),
        ({"Amt": [None]}, ValueNotAllowed, "Ntry/Amt: .*required"),
        ({"CdtDbtInd": None}, ValueNotAllowed, "required"),
        ({"Amt@Ccy": None}, ValueNotAllowed, "required attribute"),
        ({"Amt@Ccy": "eur"}, ValueNotAllowed, "not allowed"),
        ({"Amt": ["-1"]}, ValueNotAllowed, "not allowed"),
        ({"Amt": ["1.000001"]}, ValueNotAllowed, "not allowed"),
        ({"Amt": ["1", "2"]}, ValueNotAllowed, "values for 1 rows"),
        ({"CdtDbtInd": ["DEBIT"]}, ValueNotAllowed, "not allowed"),
        ({"BookgDt/Dt": ["2026-13-01"]}, ValueNotAllowed, "not allowed"),
        ({"BookgDt/Dt": ["2026-11-20"], "BookgDt/DtTm": ["2026-11-20T10:00:00Z"]}, ValueNotAllowed, "choice"),
        ({"NtryRef": ["x" * 36]}, ValueNotAllowed, "not allowed"),
        ({"NtryRef": ["a\x0bb"]}, ValueNotAllowed, "XML cannot hold"),
        ({"NtryDtls/TxDtls/Amt": ["1"], "NtryDtls/TxDtls/Amt@Ccy": [""]}, ValueNotAllowed, "not allowed"),
    ],
)
def test_a_mistake_of_the_caller_is_named(columns: dict[str, Any], error: type[Exception], match: str):
    with pytest.raises(error, match=match):
        write(1, {**NEEDED, **columns})


def test_a_required_element_may_be_absent_only_with_its_parent():
    base = {name: value * 2 if isinstance(value, list) else value for name, value in NEEDED.items()}
    reference, issuer = "NtryDtls/TxDtls/Refs/Prtry/Ref", "NtryDtls/TxDtls/Refs/Prtry/Tp"
    assert write(2, {**base, reference: ["r", None], issuer: ["t", None]}).count("<Prtry><Tp>") == 1
    with pytest.raises(ValueNotAllowed, match="required where its parent is present"):
        write(2, {**base, reference: ["r", None], issuer: [None, "t"]})


@pytest.mark.parametrize("message", MESSAGES)
def test_a_value_that_a_writer_takes_is_one_that_the_schema_takes(message: str):
    """Per simple type: valid values, and values of other types and junk, judged by the writer's check and by libxml2."""
    held, chance = definition(message), random.Random(message)
    simples = [kind for kind in held.types.values() if isinstance(kind, Simple)]
    tested = Definition(message, "Probe", {**held.types})
    text = schema_text(tested).replace('<x:element name="Probe" type="Probe"/>', "".join(
        f'<x:element name="{kind.name}" type="{kind.name}"/>' for kind in simples
    ))  # fmt: skip
    schema = etree.XMLSchema(etree.fromstring(text.encode()))
    junk = (
        "|| |-1|+1|1.|.5|1e5|NaN|2026-02-30|2026-11-21|true|EUR|ä|0|999999999999999999.00|0.12345678901234567|-0.5|cXV4|c|"
        "2026-11-21T24:00:00Z|12:00:00+14:00|" + "x" * 36 + "|" + "x" * 3000
    ).split("|")
    taken = 0
    for kind in simples:
        check = simple_check(kind)
        for value in [simple_value(kind, chance) for _ in range(20)] + junk:
            element = etree.Element(f"{{{held.namespace}}}{kind.name}")
            element.text = value
            if check(value):
                taken += 1
                if value != "2026-02-30":  # The day of the month is left to the caller, who has dates.
                    assert schema.validate(element), (kind, value, schema.error_log)
    assert taken > 20 * len(simples) * 0.8


def test_amounts_have_all_digits_of_their_currency_and_moments_their_zone():
    assert amount_texts([0, 5, 100, 12345, None], 2) == ["0.00", "0.05", "1.00", "123.45", None]
    assert amount_texts([7], 0) == ["7"]
    assert amount_texts([7], 3) == ["0.007"]
    assert moment_text(datetime(2026, 11, 21, 9, 30, 1, 999, tzinfo=UTC)) == "2026-11-21T09:30:01Z"
    assert moment_text(datetime(2026, 11, 21, 9, tzinfo=timezone(timedelta(hours=1)))) == "2026-11-21T09:00:00+01:00"
    with pytest.raises(ValueNotAllowed, match="no time zone"):
        moment_text(datetime(2026, 11, 21))  # noqa: DTZ001


plain = st.text(st.sampled_from("abcXYZ019 /-?:().,'+ä€<>&\"%"), min_size=1, max_size=35)
transfers = st.fixed_dictionaries(
    {
        "end_to_end_id": plain,
        "amount_minor": st.integers(1, 10**15),
        "currency": st.sampled_from(["EUR", "EUR", "JPY", "KWD"]),
        "creditor_name": plain,
        "creditor_iban": st.just(IBAN_OF_CREDITOR),
        "creditor_agent_bic": st.sampled_from(["BNPAFRPP", None]),
        "creditor_country": st.sampled_from(["FR", None]),
        "instruction_id": plain | st.none(),
        "remittance_unstructured": plain | st.none(),
        "purpose": st.sampled_from(["SALA", None]),
        "category_purpose": st.sampled_from(["SALA", None]),
    }
)


@settings(max_examples=60)
@given(
    st.sampled_from([OLD, NEW]),
    st.lists(st.lists(transfers, min_size=1, max_size=4), min_size=1, max_size=3),
    st.booleans(),
)
def test_payments_written_come_back_the_same_and_without_findings(
    version: str, blocks: list[list[dict[str, Any]]], booking: bool
):
    orders = [
        TransferOrder(
            f"P{number}", date(2026, 11, 23), "Example GmbH", IBAN_OF_DEBTOR,
            TransferColumns(**{name: [row[name] for row in rows] for name in rows[0]}), batch_booking=booking,
        )
        for number, rows in enumerate(blocks)
    ]  # fmt: skip
    out = io.BytesIO()
    created = datetime(2026, 11, 21, tzinfo=UTC)
    count = write_pain001(out, version, message_id="M", created=created, initiating_party="Example", orders=orders)
    file = read_pain001(out.getvalue())
    assert isinstance(file, CreditTransferFile), file
    assert file.findings == []
    (batch,) = file.batches()
    rows = [row for block in blocks for row in block]
    assert file.transaction_count == count == len(rows)
    for name in rows[0]:
        assert getattr(batch, name) == [row[name] for row in rows], name
    assert batch.reject_reason == [None] * len(rows)
    assert set(batch.batch_booking) == {booking}


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_written_pain001_is_valid_by_the_official_schema(version: str, schemas: Path):
    columns = TransferColumns(
        ["E-1"], [1], ["EUR"], creditor_iban=[IBAN_OF_CREDITOR], remittance_reference=["RF18539007547034"]
    )
    order = TransferOrder("P", date(2026, 11, 23), "Example", IBAN_OF_DEBTOR, columns, debtor_agent_bic="COBADEFF")
    out = io.BytesIO()
    created = datetime(2026, 11, 21, tzinfo=UTC)
    write_pain001(out, version, message_id="M", created=created, initiating_party="Example", orders=[order])
    etree.XMLSchema(etree.parse(str(find_schema(schemas, version)))).assertValid(etree.fromstring(out.getvalue()))
    with pytest.raises(ValueError, match="is not one of"):
        write_pain001(out, "pain.999", message_id="M", created=created, initiating_party="Example", orders=[order])
