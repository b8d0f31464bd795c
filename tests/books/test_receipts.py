"""Every accepted transfer has a receipt that a stranger can check, whatever stood beside it in its batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qenex.books import (
    AMOUNT_MAX,
    Account,
    AccountFlags,
    Block,
    Books,
    BooksBatch,
    Signers,
    Transfer,
    TransferFlags,
    transfers_array,
)
from qenex.chain import VerifiedReceipt, open_checkpoint, verify_receipt
from qenex.values import ManualClock, Refusal

SIGNERS = Signers.from_seeds("test.example/log", b"\x01" * 32, b"\x02" * 32)
START = 1_800_000_000_000_000_000


@pytest.fixture
def books(tmp_path: Path):
    with Books.open(tmp_path / "books", signers=SIGNERS, clock=ManualClock(START), timer=False) as opened:
        limited = AccountFlags.debits_must_not_exceed_credits
        opened.create_accounts([Account(id=i, ledger=978, code=1) for i in (1, 2, 3)])
        opened.create_accounts([Account(id=4, ledger=978, code=1, flags=limited)])
        yield opened


def transfer(id: int, amount: int = 100, **fields: int) -> Transfer:
    return Transfer(
        **{
            "id": id,
            "debit_account_id": 1,
            "credit_account_id": 2,
            "amount": amount,
            "ledger": 978,
            "code": 7,
            **fields,
        }
    )


def proved(books: Books, transfer_id: int) -> VerifiedReceipt:
    receipt = books.receipt(transfer_id)
    assert isinstance(receipt, bytes)
    verified = verify_receipt(receipt, SIGNERS.verifier_keys)
    assert isinstance(verified, VerifiedReceipt), verified
    return verified


def test_receipts_of_plain_posted_and_balancing_transfers_beside_failed_ones_show_the_record_as_stored(books) -> None:
    flags = TransferFlags
    books.create_transfers(
        [
            transfer(10),
            transfer(11, debit_account_id=99),  # fails: no such account
            transfer(12, flags=flags.pending),
            transfer(13, amount=AMOUNT_MAX, flags=flags.balancing_credit, debit_account_id=3, credit_account_id=1),
            transfer(14, debit_account_id=4),  # fails: no credits
            Transfer(id=15, pending_id=12, amount=60, flags=flags.post_pending_transfer),
            transfer(16, amount=5),
        ]
    )
    amounts = {id: proved(books, id).fields["amount"] for id in (10, 12, 13, 15, 16)}
    assert amounts == {10: "100", 12: "100", 13: "100", 15: "60", 16: "5"}
    assert proved(books, 15).fields["debit_account_id"] == "1", "a post inherits what it left out"
    stored = books.lookup_transfers([10, 12, 13, 15, 16])
    for row, id in zip(stored, (10, 12, 13, 15, 16), strict=True):
        assert proved(books, id).record == row.tobytes()


@pytest.mark.parametrize("transfer_id", [11, 999])
def test_a_transfer_that_was_refused_or_never_made_has_no_receipt(books, transfer_id: int) -> None:
    books.create_transfers([transfer(11, debit_account_id=99)])
    answer = books.receipt(transfer_id)
    assert isinstance(answer, Refusal)
    assert answer.code == "RECEIPT_NO_SUCH_TRANSFER"


def test_without_signing_keys_there_is_no_receipt_and_no_checkpoint(tmp_path: Path) -> None:
    with Books.open(tmp_path / "books", timer=False) as unsigned:
        unsigned.create_accounts([Account(id=i, ledger=978, code=1) for i in (1, 2)])
        unsigned.create_transfers([transfer(10)])
        for answer in (unsigned.receipt(10), unsigned.checkpoint()):
            assert isinstance(answer, Refusal)
            assert answer.code == "NO_SIGNING_KEYS"


def test_a_receipt_signs_a_new_checkpoint_only_when_the_last_does_not_cover_it(books) -> None:
    books.create_transfers([transfer(10), transfer(11)])
    first = proved(books, 10).checkpoint
    assert proved(books, 11).checkpoint == first
    books.create_transfers([transfer(12)])
    assert proved(books, 10).checkpoint == first
    assert proved(books, 12).checkpoint.size == first.size + 1


def blocks_of(books: Books) -> list[Block]:
    def is_block(batch: BooksBatch) -> bool:
        return batch.kind == 16

    return [Block.decode(batch.events[0].tobytes()) for batch in books.batches_after(0) if is_block(batch)]


def test_blocks_form_a_chain_and_name_the_state_they_seal(books) -> None:
    for id in range(10, 13):
        books.create_transfers([transfer(id)])
        state = books.state_hash()
        note = books.checkpoint()
        signed = open_checkpoint(note, SIGNERS.verifier_keys)
        assert not isinstance(signed, Refusal)
        last = blocks_of(books)[-1]
        assert (last.size, last.root, last.state_hash) == (signed.checkpoint.size, signed.checkpoint.root, state)
    blocks = blocks_of(books)
    assert [block.number for block in blocks] == [1, 2, 3]
    assert [block.previous_hash for block in blocks] == [bytes(32), *(block.digest for block in blocks[:-1])]
    assert books.checkpoint() == note, "nothing new, nothing signed"


def test_commitments_are_journalled_beside_their_transfers(books) -> None:
    commitments = np.frombuffer(bytes(range(64)), dtype=np.uint8).reshape(2, 32)
    books.submit(transfers_array([transfer(20), transfer(21)]), commitments).result()
    books.submit(transfers_array([transfer(22)])).result()
    with_commitments, without = list(books.batches_after(0))[-2:]
    assert with_commitments.commitments is not None
    assert with_commitments.commitments.tobytes() == bytes(range(64))
    assert without.commitments is None
