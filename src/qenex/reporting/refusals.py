"""What reporting refuses."""

from qenex.values.refusal import EXIT_USAGE, register

register(
    "STATEMENT_BEGINS_LATER",
    "The statement would begin on {first}, after the business date {today}.",
    "A statement covers days that have begun.",
    "Choose an earlier --from.",
    EXIT_USAGE,
)
