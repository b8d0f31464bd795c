"""camt.053: written statements are valid by the official schema, balance, and come back the same when read."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.rails.derive_definitions import find_schema

from qenex.rails import (
    BANK_TRANSACTION_CODES,
    StatementBalance,
    StatementEntries,
    StatementFile,
    StatementHeader,
    StatementSummary,
    ValueNotAllowed,
    read_camt053,
    write_camt053,
)
from qenex.rails.iso20022.schema import compiled_schema
from qenex.values import InvariantBroken, Refusal

DAY = date(2026, 11, 20)
IBAN = "DE89370400440532013000"


def header(opening: int, closing: int, currency: str = "EUR", **more: Any) -> StatementHeader:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    return StatementHeader(
        "M-1", start + timedelta(days=1), "S-7", 7, start, start + timedelta(hours=24), currency,
        [StatementBalance("OPBD", opening, DAY), StatementBalance("CLBD", closing, DAY), StatementBalance("CLAV", closing, DAY)],
        iban=IBAN, owner_name="Example GmbH & Söhne", servicer_bic="QNEXDEFFXXX", **more,
    )  # fmt: skip


def entries(**columns: Any) -> StatementEntries:
    count = len(columns["amount_minor"])
    plain = {"booking_day": [DAY] * count, "value_day": [DAY] * count, "transaction_code": ["PMNT/RCDT/ESCT"] * count}
    return StatementEntries(**{**plain, **columns})


def written(head: StatementHeader, *batches: StatementEntries) -> tuple[StatementSummary, bytes]:
    out = io.BytesIO()
    return write_camt053(out, head, iter(batches)), out.getvalue()


def test_a_whole_statement_as_written():
    batch = entries(
        amount_minor=[1000, 250], credit=[True, False], transaction_code=["PMNT/RCDT/ESCT", "ACMT/MDOP/FEES"],
        reversal=[False, True], servicer_reference=["T-1", "T-2"], end_to_end_id=["E-1", None], debtor_name=["A & B", None],
        debtor_iban=[IBAN, None], remittance_reference=["RF18539007547034", None], additional_information=[None, "Card fee"],
    )  # fmt: skip
    summary, data = written(header(-500, 250, page=(1, True)), batch)
    expected = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId>
<CreDtTm>2026-11-21T00:00:00Z</CreDtTm></GrpHdr><Stmt><Id>S-7</Id><StmtPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>
<ElctrncSeqNb>7</ElctrncSeqNb><LglSeqNb>7</LglSeqNb><CreDtTm>2026-11-21T00:00:00Z</CreDtTm>
<FrToDt><FrDtTm>2026-11-20T00:00:00Z</FrDtTm><ToDtTm>2026-11-21T00:00:00Z</ToDtTm></FrToDt>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy><Ownr><Nm>Example GmbH &amp; Söhne</Nm></Ownr>
<Svcr><FinInstnId><BICFI>QNEXDEFFXXX</BICFI></FinInstnId></Svcr></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>
<Dt><Dt>2026-11-20</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-11-20</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLAV</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-11-20</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>
<ValDt><Dt>2026-11-20</Dt></ValDt><AcctSvcrRef>T-1</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>E-1</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>A &amp; B</Nm></Pty></Dbtr>
<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>
</TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">2.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt><AcctSvcrRef>T-2</AcctSvcrRef>
<BkTxCd><Domn><Cd>ACMT</Cd><Fmly><Cd>MDOP</Cd><SubFmlyCd>FEES</SubFmlyCd></Fmly></Domn></BkTxCd>
<AddtlNtryInf>Card fee</AddtlNtryInf></Ntry></Stmt></BkToCstmrStmt></Document>
"""
    assert data.decode() == expected.replace(">\n<", "><").replace("?><", "?>\n<")
    assert summary == StatementSummary(1, 1000, 1, 250)


def test_a_statement_that_does_not_balance_is_never_finished():
    out = io.BytesIO()
    with pytest.raises(InvariantBroken, match="opening"):
        write_camt053(out, header(0, 11), [entries(amount_minor=[10], credit=[True])])
    assert not out.getvalue().endswith(b"</Document>\n")


def test_pending_entries_do_not_count_for_the_booked_balance():
    summary, _ = written(header(0, 10), entries(amount_minor=[10, 99], credit=[True, True], status=["BOOK", "PDNG"]))
    assert summary.credit_minor == 10


@pytest.mark.parametrize(
    "columns",
    [
        {"transaction_code": ["PMNT/NONE/SUCH"]},
        {"amount_minor": [-1]},
        {"end_to_end_id": ["x" * 36]},
        {"end_to_end_id": [""]},
        {"debtor_iban": ["not an iban"]},
        {"servicer_reference": ["a\x00b"]},
        {"servicer_reference": ["a\ud800b"]},
        {"booking_day": ["20.11.2026"]},
        {"amount_minor": [10**19]},
        {"status": ["LONGER"]},
    ],
)
def test_a_value_that_the_message_cannot_hold_is_the_callers_mistake(columns: dict[str, Any]):
    base = {"amount_minor": [1], "credit": [True]}
    with pytest.raises((ValueNotAllowed, InvariantBroken)):
        written(header(0, 1), entries(**{**base, **columns}))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (">0.10<", ">0.11<", "do not give closing"),
        (">0.10<", ">0.105<", "cannot be told exactly in EUR"),
        (">0.10<", ">" + "0" * 5000 + ".10<", "cannot be told exactly in EUR"),
        ('<Ntry><Amt Ccy="EUR">', '<Ntry><Amt Ccy="USD">', "different currencies: EUR, USD"),
        ("DE89370400440532013000", "DE88370400440532013000", "check digits"),
    ],
)
def test_a_statement_of_another_bank_that_does_not_add_up_is_flagged(old: str, new: str, sentence: str):
    _, data = written(header(0, 10), entries(amount_minor=[10], credit=[True]))
    text = data.decode()
    file = read_camt053(text.replace(old, new, text.count(old) - (new == ">0.11<")).encode())
    assert isinstance(file, StatementFile), file
    (finding,) = file.findings
    assert sentence in finding.text
    assert finding.code in ("STATEMENT_UNBALANCED", "IBAN_INVALID")
    assert finding.severity == "flag"


def test_long_and_strange_names_are_made_to_fit():
    summary, data = written(
        header(0, 1),
        entries(amount_minor=[1], credit=[True], debtor_name=["x" * 200 + "\x07"], remittance_unstructured=["\x00a"]),
    )
    file = read_camt053(data)
    assert isinstance(file, StatementFile)
    assert file.statements[0].entries["debtor_name"] == ["x" * 140]
    assert file.statements[0].entries["remittance_unstructured"] == ["?a"]
    assert summary.credit_count == 1


ids = st.text(st.sampled_from("abcXYZ019 /-?:().,'+ä€<>&\"\r\n\t%{}"), min_size=1, max_size=35) | st.none()
FREE = (
    "entry_reference", "servicer_reference", "end_to_end_id", "transaction_id", "debtor_name", "creditor_name",
    "remittance_unstructured", "remittance_reference", "additional_information",
)  # fmt: skip
rows = st.fixed_dictionaries(
    {
        "amount_minor": st.integers(0, 10**16),
        "credit": st.booleans(),
        "reversal": st.booleans(),
        "booking_day": st.dates(date(1, 1, 1), date(9999, 12, 31)),
        "value_day": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        "transaction_code": st.sampled_from(sorted(BANK_TRANSACTION_CODES)),
        "status": st.sampled_from(["BOOK", "BOOK", "BOOK", "PDNG", "INFO"]),
        "debtor_iban": st.sampled_from([IBAN, None]),
        "creditor_iban": st.sampled_from(["FR1420041010050500013M02606", None]),
        "debtor_agent_bic": st.sampled_from(["QNEXDEFF", None]),
        "return_reason": st.sampled_from(["AC04", None]),
        **dict.fromkeys(FREE, ids),
    }
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(rows, max_size=8), st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_every_statement_written_is_valid_and_reads_back_the_same(
    table: list[dict[str, Any]], opening: int, currency: str
):
    booked = [row for row in table if row["status"] == "BOOK"]
    closing = opening + sum(row["amount_minor"] if row["credit"] else -row["amount_minor"] for row in booked)
    batches = [
        StatementEntries(**{name: [row[name] for row in part] for name in part[0]})
        for part in (table[:3], table[3:])
        if part
    ]
    _, data = written(header(opening, closing, currency), *batches)
    schema = compiled_schema("camt.053.001.08")
    assert schema.validate(etree.fromstring(data)), schema.error_log
    file = read_camt053(data)
    assert isinstance(file, StatementFile), file
    (statement,) = file.statements
    assert file.findings == []
    assert statement.balances[:2] == [
        ("OPBD", opening, currency, "2026-11-20"),
        ("CLBD", closing, currency, "2026-11-20"),
    ]
    assert (statement.sequence_number, statement.iban, statement.owner_name) == ("7", IBAN, "Example GmbH & Söhne")
    assert statement.entry_count == len(table)
    for number, row in enumerate(table):
        for name, value in row.items():
            assert statement.entries[name][number] == (value.isoformat() if isinstance(value, date) else value), name


def test_a_written_statement_is_valid_by_the_official_schema(schemas: Path):
    official = etree.XMLSchema(etree.parse(str(find_schema(schemas, "camt.053.001.08"))))
    every = sorted(BANK_TRANSACTION_CODES)
    batch = entries(
        amount_minor=[10] * len(every), credit=[True] * len(every), transaction_code=every, debtor_name=["A"] * len(every),
        uetr=["8a562c67-ca16-48ba-b074-65581be6f001"] * len(every), purpose=["SALA"] * len(every),
    )  # fmt: skip
    _, data = written(header(0, 10 * len(every)), batch)
    official.assertValid(etree.fromstring(data))


def test_statements_of_others_are_read_and_unbalanced_ones_flagged(corpus: Path):
    seen = 0
    for entry in json.loads((corpus / "manifest.json").read_text())["entries"]:
        if "camt.053.001.08" not in entry.get("message", []) or not entry["file"].startswith("mx/"):
            continue
        data = (corpus / entry["file"]).read_bytes()
        root = etree.fromstring(data)
        document = next(e for e in root.iter() if isinstance(e.tag, str) and e.tag.endswith("}Document"))
        file = read_camt053(etree.tostring(document))
        seen += 1
        if entry["xsd_expected"] != "accept":
            assert isinstance(file, Refusal)
            continue
        assert isinstance(file, StatementFile), (entry["file"], file)
        unbalanced = any("does not balance" in found for found in entry["semantic_findings"])
        assert any(found.code == "STATEMENT_UNBALANCED" for found in file.findings) == unbalanced, entry["file"]
    assert seen >= 5
