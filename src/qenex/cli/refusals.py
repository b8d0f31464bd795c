"""What the command line itself refuses."""

from qenex.values.refusal import EXIT_USAGE, register

register(
    "OUTPUT_NOT_WRITABLE",
    "{file} cannot be written: {why}.",
    "--out names a file in a folder that exists.",
    "Make the folder first, or choose another file.",
    EXIT_USAGE,
)
register(
    "INPUT_NOT_READABLE",
    "{file} cannot be read: {why}.",
    "A file named as an argument must exist and be readable.",
    "Check the path and its permissions.",
    EXIT_USAGE,
)
register(
    "INSTANT_MALFORMED",
    "{given!r} is not an instant.",
    "Instants are written as in ISO 8601, in UTC.",
    "Write it as 2026-11-20T18:00:00Z.",
    EXIT_USAGE,
)
register(
    "PORT_TAKEN",
    "Port {port} is not free: {why}.",
    "The status page needs a port of its own on localhost.",
    "Stop the other program, or choose another port with --port.",
)
register(
    "BANK_RUNS",
    "A bank is running in {folder}.",
    "This needs the folder for itself.",
    "Stop it with 'qenex down' first.",
)
