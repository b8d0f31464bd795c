"""docs/ledger.md says what the code says, and its examples run."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

from qenex.ledger import (
    AccountFlags,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    TransferFlags,
    UpdateAccountStatus,
    meaning,
    meanings,
)

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ledger.md").read_text()


def generator():
    spec = importlib.util.spec_from_file_location("generate_ledger", DOCS / "generate_ledger.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_the_page_are_fresh():
    assert generator().render(PAGE) == PAGE, "run: python docs/generate_ledger.py"


def test_every_table_is_on_the_page():
    assert set(generator().TABLES) == set(re.findall(r"<!-- table: ([a-z_]+) -->", PAGE))


def test_the_examples_of_the_page_run(engine):
    text = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)).replace(
        'Ledger("reference"', f'Ledger("{engine}"'
    )
    example = doctest.DocTestParser().get_doctest(text, {}, "docs/ledger.md", "docs/ledger.md", 0)
    failures, tried = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(example)
    assert tried > 15
    assert failures == 0


@pytest.mark.parametrize(
    ("members", "sentences"),
    [
        (CreateAccountStatus, meanings.ACCOUNT_MEANINGS),
        (CreateTransferStatus, meanings.TRANSFER_MEANINGS),
        (UpdateAccountStatus, meanings.UPDATE_MEANINGS),
        (AccountFlags, meanings.ACCOUNT_FLAG_MEANINGS),
        (TransferFlags, meanings.TRANSFER_FLAG_MEANINGS),
        (AccountUpdateKind, meanings.UPDATE_KIND_MEANINGS),
    ],
)
def test_everything_has_a_meaning_in_the_same_order(members, sentences):
    assert list(sentences) == list(members)


def test_a_status_explains_itself():
    assert meaning(CreateTransferStatus.exceeds_credits) == "The debit account does not have that much."
    assert meaning(CreateAccountStatus.exists) == "The same account was created before."
    assert meaning(UpdateAccountStatus.account_not_found) == "There is no such account."
