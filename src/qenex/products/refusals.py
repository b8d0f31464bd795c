"""What the bank's products refuse, and what a person can do about it."""

from qenex.values.refusal import EXIT_USAGE, register

register(
    "BANK_EXISTS",
    "{folder} already holds a bank.",
    "`init`, `demo` and `restore` work only in an empty folder.",
    "Choose another folder with --data, or use the bank that is there.",
)
register(
    "BANK_NOT_FOUND",
    "There is no bank in {folder}.",
    "The data folder holds no bank yet.",
    "Run 'qenex init' first, or name the right folder with --data.",
    EXIT_USAGE,
)
register(
    "FOLDER_NOT_EMPTY",
    "{folder} is not empty.",
    "A new bank, a backup and a restored bank each need an empty folder.",
    "Choose an empty or new folder.",
)
register(
    "DATE_MALFORMED",
    "{given!r} is not a date.",
    "Dates are written as in ISO 8601, year-month-day.",
    "Write it as 2026-11-21.",
    EXIT_USAGE,
)
register(
    "DATES_REVERSED",
    "The first date {first} is after the last date {last}.",
    "A range of dates runs forwards.",
    "Exchange the two dates.",
    EXIT_USAGE,
)
register(
    "TIME_MALFORMED",
    "{given!r} is not a time of day.",
    "The cut-off is a time such as 17:30, or 24:00 for none.",
    "Write hours and minutes with a colon.",
    EXIT_USAGE,
)
register(
    "RATE_MALFORMED",
    "{given!r} is not an exchange rate.",
    "A rate is a positive decimal with at most 12 digits before and after the point.",
    "Write it as 1.0850.",
    EXIT_USAGE,
)
register(
    "SPREAD_OUT_OF_RANGE",
    "A spread of {given} basis points is not in 0..10000.",
    "The spread is a part of the result, in hundredths of a per cent.",
    "Choose a spread from 0 to 10000.",
    EXIT_USAGE,
)
register(
    "NAME_MISSING",
    "A customer needs a name.",
    "The bank must know who owns an account.",
    "Write the name after 'customer add'.",
    EXIT_USAGE,
)
register(
    "NUMBER_MALFORMED",
    "{given!r} is not {what}.",
    "Ids of customers, transfers and holds are decimal numbers.",
    "Copy it from the command that made it.",
    EXIT_USAGE,
)
register(
    "ERASURE_NOT_CONFIRMED",
    "Erasing customer {customer} cannot be undone and was not confirmed.",
    "Erasing destroys the customer's key.",
    "Repeat the command with --yes.",
)
register(
    "CUSTOMER_HAS_OPEN_ACCOUNTS",
    "Customer {customer} still has {count} open accounts.",
    "Data needed for open accounts must be kept.",
    "Close the accounts first.",
)
register(
    "ACCOUNT_NOT_EMPTY",
    "The account has a balance of {balance} and {held} held.",
    "An account can be closed only when its balance and its holds are zero.",
    "Pay out the balance and capture or release the holds.",
)
register(
    "ACCOUNT_CLOSED",
    "The account {account} is closed.",
    "A closed account takes no bookings and no changes.",
    "Use another account.",
)
register(
    "ACCOUNT_FROZEN",
    "The account {account} is frozen.",
    "A frozen account takes no bookings on its frozen side.",
    "Unfreeze it first, if that is allowed.",
)
register(
    "OVERDRAFT_TOO_LARGE",
    "A limit of {given} is larger than an account can carry.",
    "Limits are stored in 63 bits of minor units.",
    "Choose a smaller limit.",
)
register(
    "LIMIT_NEGATIVE",
    "The limit {given} is below zero.",
    "A limit says how far below zero the balance may go, as a positive amount.",
    "Write the limit without a sign.",
)
register(
    "REASON_MISSING",
    "This needs a reason.",
    "The bank works with four eyes: freezes, limits and manual bookings state why.",
    "Add --reason.",
)
register(
    "SECOND_PERSON_MISSING",
    "This needs two different persons.",
    "The bank works with four eyes: who asks and who agrees are not the same person.",
    "Name two different persons, or leave out --approved-by to ask for an approval.",
)
register(
    "CHART_ACCOUNT_UNKNOWN",
    "{given!r} is neither an IBAN nor an account of the chart.",
    "The bank's own accounts are named by number and currency.",
    "See 'qenex chart', and write it as 1100-EUR.",
    EXIT_USAGE,
)
register(
    "ACCOUNT_NUMBERS_EXHAUSTED",
    "Country {country} with bank code {bank_code} leaves no account number to give.",
    "The bank code and the account number must fit into the IBAN of the country.",
    "Run 'init' with another bank code, or pass --iban.",
)
register(
    "BACKUP_UNKNOWN",
    "{folder} is not a backup.",
    "A backup is a folder that 'qenex backup' made, with backup.json in it.",
    "Name the folder of the backup.",
    EXIT_USAGE,
)
register(
    "APPROVAL_AWAITED",
    "Request {approval} is on record and waits for a second person; nothing was done yet.",
    "The bank works with four eyes: the second person repeats the same command with the number of the request.",
    "Repeat the command as the second person with --approval and the number.",
)
