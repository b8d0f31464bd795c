"""Every expected "no" of the relational store."""

from qenex.values import register

STORE_EXISTS = register(
    "STORE_EXISTS",
    "This data folder has a database already.",
    "A new database would hide the customers and payments of the one that is there.",
    "Open the bank that is there, or choose an empty folder.",
).code
STORE_NOT_FOUND = register(
    "STORE_NOT_FOUND",
    "This data folder has no database.",
    "There is no bank here to open.",
    "Check the --data folder, or make a bank with `qenex init`.",
).code
STORE_NEWER = register(
    "STORE_NEWER",
    "The database has schema version {found}; this program knows versions up to {known}.",
    "A newer release of the program has been here; an older one could misread what it wrote.",
    "Install the newer release again.",
).code
BACKUP_NOT_USABLE = register(
    "BACKUP_NOT_USABLE",
    "This file is not a usable database backup: {detail}.",
    "It is not a database of this program, or it is damaged.",
    "Choose another backup.",
).code
CUSTOMER_EXISTS = register(
    "CUSTOMER_EXISTS",
    "There is a customer with this id already.",
    "A customer id names one person or company for ever, even after erasure.",
    "Use a new id.",
).code
CUSTOMER_NOT_FOUND = register(
    "CUSTOMER_NOT_FOUND",
    "There is no customer {customer_id}.",
    "The id is not one of this bank's customers.",
    "List the customers with `qenex customer list`.",
).code
CUSTOMER_ERASED = register(
    "CUSTOMER_ERASED",
    "The personal data of customer {customer_id} was erased.",
    "The customer's keys are destroyed, so nothing can be read or added; the ledger's proofs stay valid.",
    "Nothing brings erased data back; open a new customer if the person returns.",
).code
CUSTOMER_IS_BANK = register(
    "CUSTOMER_IS_BANK",
    "Customer {customer_id} is the bank itself.",
    "The bank's own record and key are needed for as long as the bank exists.",
    "Name another customer.",
).code
ACCOUNT_NOT_FOUND = register(
    "ACCOUNT_NOT_FOUND",
    "There is no account {account} in this bank.",
    "The id or IBAN belongs to no account here.",
    "List the accounts with `qenex account list`.",
).code
ACCOUNT_DIFFERS = register(
    "ACCOUNT_DIFFERS",
    "Account {account} exists already and is not the same.",
    "An account id was used again with another owner, IBAN, product or currency.",
    "Use a new account id.",
).code
ACCOUNT_STATUS_FINAL = register(
    "ACCOUNT_STATUS_FINAL",
    "Account {account} is {status} and cannot become {wanted}.",
    "A closed account stays closed, and only an account that is open or frozen can be closed.",
    "Open a new account.",
).code
IBAN_TAKEN = register(
    "IBAN_TAKEN",
    "The IBAN {iban} belongs to another account.",
    "An IBAN names one account, also after that account was closed.",
    "Choose another IBAN, or let the bank choose one.",
).code
PAYMENT_NOT_FOUND = register(
    "PAYMENT_NOT_FOUND",
    "There is no payment {payment_id} of this customer.",
    "The id is not one of this bank's payments.",
    "List the payments of the file or the account.",
).code
FILE_NOT_FOUND = register(
    "FILE_NOT_FOUND",
    "There is no such file in the archive.",
    "No file with this hash was ever begun here.",
    "Hand in the file with `qenex pay`.",
).code
ALREADY_REVERSED = register(
    "ALREADY_REVERSED",
    "Transfer {transfer_id} was reversed already.",
    "A booking is reversed at most once; the first reversal stands.",
    "Book a correction instead.",
).code
BOOKING_EXISTS = register(
    "BOOKING_EXISTS",
    "Transfer {transfer_id} has booking data already, and it is not the same.",
    "What was booked is never rewritten.",
    "Reverse the booking and book it again.",
).code
APPROVAL_EXISTS = register(
    "APPROVAL_EXISTS",
    "There is an approval request with this id already, and it is not the same.",
    "A request is never rewritten; the second person decides exactly what the first one asked for.",
    "Make a new request.",
).code
APPROVAL_MISSING = register(
    "APPROVAL_MISSING",
    "There is no approval for exactly this.",
    "A second person has not approved this action on this subject with this content, or the approval was used.",
    "Ask for an approval and have a second person decide.",
).code
APPROVAL_DECIDED = register(
    "APPROVAL_DECIDED",
    "This request was decided already.",
    "The first decision stands.",
    "Make a new request.",
).code
FOUR_EYES = register(
    "FOUR_EYES",
    "{person} asked for this and cannot decide it.",
    "Four eyes: whoever asks for something is never the one who allows it.",
    "Let a second person decide.",
).code
NO_BUSINESS_DATE = register(
    "NO_BUSINESS_DATE",
    "No business day is open.",
    "Bookings need a business date, and none is open.",
    "Open a day.",
).code
BUSINESS_DAY_OPEN = register(
    "BUSINESS_DAY_OPEN",
    "Another business day is open.",
    "One business day is open at a time.",
    "Close it first with `qenex close-day`.",
).code
BUSINESS_DAY_CLOSED = register(
    "BUSINESS_DAY_CLOSED",
    "Business day {day} cannot be opened: it, or a later day, was closed already.",
    "Days are opened in order, and a closed day stays closed.",
    "Book with a value date in the past instead.",
).code
BUSINESS_DAY_NOT_OPEN = register(
    "BUSINESS_DAY_NOT_OPEN",
    "Business day {day} is not open.",
    "Only the open day can be closed.",
    "Name the open day.",
).code
STATEMENT_BREAKS_CHAIN = register(
    "STATEMENT_BREAKS_CHAIN",
    "Statement {number} does not continue the one before.",
    "Statement numbers have no gaps, and a statement opens with the balance and at the instant the last one closed with.",
    "Make it from the last statement on.",
).code
QUOTE_NOT_FOUND = register(
    "QUOTE_NOT_FOUND",
    "There is no such quote for this customer.",
    "An exchange needs a quote that was given to the same customer.",
    "Ask for a quote first.",
).code
QUOTE_USED = register(
    "QUOTE_USED",
    "This quote was used already.",
    "A quote is good for one exchange.",
    "Ask for a new quote.",
).code
HOLD_NOT_FOUND = register(
    "HOLD_NOT_FOUND",
    "There is no hold {transfer_id} on this account.",
    "The id names no hold of this bank.",
    "Check the id that `qenex hold` printed.",
).code
HOLD_FINAL = register(
    "HOLD_FINAL",
    "Hold {transfer_id} is {state} already.",
    "A hold is captured, released or expired once.",
    "Make a new hold.",
).code
