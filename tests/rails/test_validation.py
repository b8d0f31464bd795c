"""Any message is judged by its definition, alone or in an envelope, with every fault and its line."""

from __future__ import annotations

import pytest
from tests.rails.examples import NEW, message, payment, single, transaction

from qenex.rails import Verdict, validate
from qenex.values import Refusal


def test_a_valid_message_is_valid_and_a_broken_one_names_every_fault_with_its_line():
    assert validate(single()) == Verdict(NEW, True)
    rows = [transaction(bic="nobic"), transaction(amount="x"), transaction()]
    verdict = validate(message([payment(rows)], count="3").encode())
    assert isinstance(verdict, Verdict)
    assert not verdict.valid
    assert {(found.code, found.reason) for found in verdict.findings} == {("DEFINITION_BROKEN", "FF01")}
    assert [found.path for found in verdict.findings] == ["line 4", "line 5"]
    assert all("{" not in found.text and found.text.endswith(".") for found in verdict.findings)


@pytest.mark.parametrize("envelope", ["<Envelope>{}</Envelope>", '<e:a xmlns:e="urn:e"><e:head/>{}</e:a>'])
def test_a_document_inside_an_envelope_is_found(envelope: str):
    document = message([payment([transaction()])], before="")
    assert validate(envelope.format(document).encode()) == Verdict(NEW, True)


def test_a_message_without_definition_is_refused():
    answer = validate(single().replace(b"pain.001.001.09", b"pain.001.001.99"))
    assert isinstance(answer, Refusal)
    assert answer.code == "MESSAGE_UNKNOWN"
    assert isinstance(validate(single().replace(b"Claire", b"&nope;")), Refusal)
    assert validate(b"<a><b/></a>").code == "MESSAGE_UNKNOWN"  # type: ignore[union-attr]
