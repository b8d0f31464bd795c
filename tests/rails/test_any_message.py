"""Whatever a definition allows a reader reads, what it forbids it refuses, and every readable file can be answered."""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from lxml import etree
from tests.rails.instances import instance, mutate

from qenex.rails import (
    ANSWERS,
    MESSAGES,
    CreditTransferFile,
    StatementFile,
    StatusColumns,
    StatusReport,
    read_camt053,
    read_pain001,
    read_pain002,
    write_pain002,
)
from qenex.rails.iso20022.definition import definition
from qenex.rails.iso20022.schema import compiled_schema
from qenex.values import Refusal

READERS = {"pain.001": read_pain001, "pain.002": read_pain002, "camt.053": read_camt053}
CREATED = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_reader_reads_exactly_what_the_definition_allows(message: str):
    chance = random.Random(hashlib.sha256(b"read " + message.encode()).digest())
    held, schema, reader = definition(message), compiled_schema(message), READERS[message[:8]]
    verdicts: Counter[bool] = Counter()
    for number in range(500):
        root = instance(held, chance)
        done = [mutate(root, held, chance)] if number % 2 else []
        data = etree.tostring(
            root, xml_declaration=True, encoding=chance.choice(["UTF-8", "UTF-16", "ISO-8859-15", "US-ASCII"])
        )
        try:
            expected = schema.validate(etree.fromstring(data))
        except etree.XMLSyntaxError:  # lxml can write names of elements that it cannot read
            expected = False
        answer = reader(data)
        assert isinstance(answer, Refusal) != expected, (number, done, answer, data)
        verdicts[expected] += 1
        if isinstance(answer, Refusal):
            assert answer.code in (
                "MESSAGE_BREAKS_DEFINITION",
                "MESSAGE_UNKNOWN",
                "MESSAGE_NOT_XML",
                "MESSAGE_EMPTY",
            ), answer
        elif isinstance(answer, CreditTransferFile):
            check_answerable(answer, chance)
        elif isinstance(answer, StatementFile):
            assert len(answer.statements) == len(root[0].findall("{*}Stmt"))
            assert [s.entry_count for s in answer.statements] == [
                len(s.findall("{*}Ntry")) for s in root[0].findall("{*}Stmt")
            ]
        else:
            assert isinstance(answer, StatusReport)
            assert len(answer.transactions) == len(root[0].findall("{*}OrgnlPmtInfAndSts/{*}TxInfAndSts"))
    assert min(verdicts.values()) > 60, verdicts


def check_answerable(file: CreditTransferFile, chance: random.Random) -> None:
    decisions = []
    for batch in file.batches():
        reasons = [reason or chance.choice([None, "AM04"]) for reason in batch.reject_reason]
        texts = batch.reject_text
        decisions.append(StatusColumns(["ACSC" if reason is None else "RJCT" for reason in reasons], reasons, texts))
    out = io.BytesIO()
    write_pain002(out, file, decisions, message_id="ST", created=CREATED)
    schema = compiled_schema(ANSWERS[file.header.version])
    assert schema.validate(etree.fromstring(out.getvalue())), (schema.error_log, out.getvalue())
    report = read_pain002(out.getvalue())
    assert isinstance(report, StatusReport)
    assert report.original_message_id == file.header.message_id
    assert sum(len(batch) for batch in file.batches()) == len(report.transactions) == file.transaction_count
    rows = [(row[0], row[1]) for batch in file.batches() for row in zip(batch.instruction_id, batch.end_to_end_id)]
    assert [(said.instruction_id, said.end_to_end_id) for said in report.transactions] == rows
