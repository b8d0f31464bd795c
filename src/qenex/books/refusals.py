"""Why the books say no, beside the ledger's own statuses."""

from __future__ import annotations

from qenex.values import register

NO_SIGNING_KEYS = "NO_SIGNING_KEYS"
RECEIPT_NO_SUCH_TRANSFER = "RECEIPT_NO_SUCH_TRANSFER"

register(
    NO_SIGNING_KEYS,
    "These books were opened without signing keys.",
    "A checkpoint or receipt was asked for, and signing one needs the log's private keys.",
    "Open the bank with its master key, so that the log's keys can be unlocked.",
)
register(
    RECEIPT_NO_SUCH_TRANSFER,
    "There is no transfer {transfer_id} in this ledger.",
    "A receipt proves that a transfer was accepted; this id belongs to none.",
    "Check the id. A refused transfer has no receipt, and a payment shows its transfer's id.",
)
