"""Why the books say no, beside the ledger's own statuses."""

from __future__ import annotations

from qenex.values import register

NO_SIGNING_KEYS = "NO_SIGNING_KEYS"
RECEIPT_NO_SUCH_TRANSFER = "RECEIPT_NO_SUCH_TRANSFER"
COSIGNED_ANOTHER_CHECKPOINT = "COSIGNED_ANOTHER_CHECKPOINT"
BOOKS_FOLDER_NOT_EMPTY = "BOOKS_FOLDER_NOT_EMPTY"
BOOKS_BACKUP_UNKNOWN = "BOOKS_BACKUP_UNKNOWN"
BOOKS_BACKUP_DAMAGED = "BOOKS_BACKUP_DAMAGED"
RESTORE_BEFORE_FIRST_BATCH = "RESTORE_BEFORE_FIRST_BATCH"
RESTORE_LOSES_CHECKPOINT = "RESTORE_LOSES_CHECKPOINT"
BATCH_UNKNOWN = "BATCH_UNKNOWN"

register(
    NO_SIGNING_KEYS,
    "These books were opened without signing keys.",
    "A checkpoint or receipt was asked for, and signing one needs the log's private keys.",
    "Open the bank with its master key, so that the log's keys can be unlocked.",
)
register(
    COSIGNED_ANOTHER_CHECKPOINT,
    "The note is not the latest checkpoint with more signatures; that one covers {size} entries.",
    "Witnesses cosign one checkpoint; since then the bank has signed a newer one, or the note is of another log.",
    "Export the latest checkpoint and have that one cosigned.",
)
register(
    RECEIPT_NO_SUCH_TRANSFER,
    "There is no transfer {transfer_id} in this ledger.",
    "A receipt proves that a transfer was accepted; this id belongs to none.",
    "Check the id. A refused transfer has no receipt, and a payment shows its transfer's id.",
)
register(
    BOOKS_FOLDER_NOT_EMPTY,
    "{folder} is not an empty folder.",
    "A backup or restore writes into a folder that is new or empty, so that nothing is overwritten or mixed.",
    "Name another folder, or move what is there away.",
)
register(
    BOOKS_BACKUP_UNKNOWN,
    "{folder} holds no backup of books.",
    "A backup of books has a manifest.json that names every file in it with its hash; here is none.",
    "Name the folder that the backup was written to.",
)
register(
    BOOKS_BACKUP_DAMAGED,
    "This backup is damaged at {place}: {detail}.",
    "Something in the backup is not what was written: a hash, the chain of batches, or a decision made again. "
    "Nothing was restored.",
    "Use another backup.",
)
register(
    RESTORE_BEFORE_FIRST_BATCH,
    "There is nothing to restore: the first batch is later than the instant {until}.",
    "The instant, in nanoseconds since 1970, is before everything that the backup holds.",
    "Choose a later instant.",
)
register(
    RESTORE_LOSES_CHECKPOINT,
    "The restored log has {restored} entries and does not extend the known checkpoint of {origin} at {size}.",
    "Somebody may hold that checkpoint, or receipts under it. A log that goes on without them would contradict itself.",
    "Restore a newer backup, or restore to an instant, which begins a new log that names the old one.",
)
register(
    BATCH_UNKNOWN,
    "There is no batch {number}; the journal holds {batches}.",
    "Batches are numbered from 1, and the number asked for is not among the durable ones.",
    "Choose a number that the journal holds.",
)
