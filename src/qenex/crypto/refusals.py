"""Why the bank's keys do not open: every expected "no" of `qenex.crypto`."""

from qenex.values import register

PASSPHRASE_TOO_SHORT = register(
    "PASSPHRASE_TOO_SHORT",
    "The passphrase is shorter than {minimum} characters.",
    "Whoever copies the key file can try passphrases as fast as their machines allow, so a short one protects nothing.",
    "Choose at least {minimum} characters; five random words are easy to remember and hard to guess.",
).code
KEY_FILE_EXISTS = register(
    "KEY_FILE_EXISTS",
    "There is a key file at this path already.",
    "Writing over a key file could make a bank unreadable for ever, so it is never done.",
    "Name another path, or move the old file away once you are sure that no bank needs it.",
).code
KEY_FILE_NOT_FOUND = register(
    "KEY_FILE_NOT_FOUND",
    "There is no key file or passphrase file at this path.",
    "The bank was told to take its secret from a file that does not exist.",
    "Correct QENEX_KEY_FILE or QENEX_PASSPHRASE_FILE, or mount the volume that holds the file.",
).code
KEY_FILE_TOO_OPEN = register(
    "KEY_FILE_TOO_OPEN",
    "The secret file is not private: {detail}.",
    "A secret that other users of the machine can read, or a link that somebody else could turn, is no secret.",
    "Make it a regular file of the user that runs the bank and run `chmod 600` on it.",
).code
KEY_FILE_MALFORMED = register(
    "KEY_FILE_MALFORMED",
    "The secret file does not hold what it should: {detail}.",
    "A key file holds 64 hexadecimal digits; a passphrase file holds one passphrase in UTF-8.",
    "Restore the file from your own copy.",
).code
KEYS_EXIST = register(
    "KEYS_EXIST",
    "This data folder has keys already.",
    "New keys would make everything sealed with the old ones unreadable, so they are never written over.",
    "Open the bank that is there, or choose an empty folder.",
).code
KEYS_NOT_FOUND = register(
    "KEYS_NOT_FOUND",
    "This data folder has no keys.json.",
    "Without its keys the bank can neither sign nor read its customers' records, so it does not start.",
    "Check the --data folder; after a restore, copy keys.json back from where you keep it.",
).code
KEYS_LOCKED = register(
    "KEYS_LOCKED",
    "The bank's keys are locked: no passphrase and no key file was given.",
    "The bank never starts without its keys, and never keeps the secret that opens them on its own.",
    "Set QENEX_PASSPHRASE, QENEX_PASSPHRASE_FILE or QENEX_KEY_FILE.",
).code
KEYS_OTHER_CUSTODY = register(
    "KEYS_OTHER_CUSTODY",
    "These keys are locked with a {expected}, not with a {given}.",
    "A bank's keys open with the one kind of secret that locked them.",
    "Give the kind of secret that the bank was made with, or last changed to.",
).code
KEYS_WRONG_SECRET = register(
    "KEYS_WRONG_SECRET",
    "The secret does not open keys.json: it is the wrong one, or the file was changed.",
    "keys.json is authenticated with a key made from the secret, so a wrong secret and a changed file look the same.",
    "Try the right passphrase or key file; if it is right, restore keys.json from your copy.",
).code
KEYS_TOO_OPEN = register(
    "KEYS_TOO_OPEN",
    "keys.json is not private: {detail}.",
    "Others could read the wrapped keys or put their own in place.",
    "Make it a regular file of the user that runs the bank and run `chmod 600` on it.",
).code
