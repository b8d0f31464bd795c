"""The refusals of `rails`: files that cannot be read as the message they should be. Exit code 2: nothing was booked."""

from __future__ import annotations

from qenex.values.refusal import EXIT_USAGE, register

register(
    "MESSAGE_FILE_MISSING",
    "The file cannot be opened: {why}.",
    "There is no such file, it is a folder, or this user may not read it.",
    "Check the path and the permissions.",
    EXIT_USAGE,
)
register(
    "MESSAGE_EMPTY",
    "The file holds nothing but {what}.",
    "A file of 0 bytes, or of white space or zero bytes only, usually comes from a transfer that failed half way.",
    "Send the file again.",
    EXIT_USAGE,
)
register(
    "MESSAGE_ENCODING",
    "The bytes are not text in the encoding {encoding}: {why}.",
    "The XML declaration or byte order mark names an encoding that we do not read, or the bytes do not fit the encoding.",
    "Save the file as UTF-8. Read are UTF-8, UTF-16, US-ASCII, ISO-8859-1 to -15 and Windows-1250 to -1258.",
    EXIT_USAGE,
)
register(
    "MESSAGE_NOT_XML",
    "The file is not well-formed XML: {why}.",
    "ISO 20022 messages are XML; a tag is not closed, a character is not allowed, or the file is something else.",
    "Look at the line and column named; a file cut by hand or joined from two files often breaks there.",
    EXIT_USAGE,
)
register(
    "MESSAGE_CUT_OFF",
    "The file ends before the message does: {why}.",
    "The last tags are missing, so the transfer or the program that wrote the file stopped half way.",
    "Send the file again.",
    EXIT_USAGE,
)
register(
    "MESSAGE_DOCTYPE",
    "The file has a document type declaration.",
    "ISO 20022 messages have none. It could define entities that grow without bound or read other files, so we refuse it.",
    "Remove the DOCTYPE and write every character out.",
    EXIT_USAGE,
)
register(
    "MESSAGE_TOO_LARGE",
    "The file goes beyond a limit: {what}.",
    "The size of the file, of one payment, of one text, or the depth of the elements is more than a real message has.",
    "Split the file. The limits are in docs/standards/iso20022.md.",
    EXIT_USAGE,
)
register(
    "MESSAGE_UNKNOWN",
    "The file holds {found}, which is none of the messages we know.",
    "The root element and its namespace name the message and its version; we hold no definition of this one.",
    "Export the file in one of the versions listed in docs/standards/iso20022.md.",
    EXIT_USAGE,
)
register(
    "MESSAGE_NOT_EXPECTED",
    "The file holds {found}, but {expected} is needed here.",
    "It is a message we know, given to a command that works on another one.",
    "Check which file goes where.",
    EXIT_USAGE,
)
register(
    "MESSAGE_BREAKS_DEFINITION",
    "The message is not a valid {message}: {why}.",
    "An element is missing, unknown, in the wrong place, or its value is not allowed by the message's definition.",
    "Correct the element named; the program that writes the file may follow another version of the message.",
    EXIT_USAGE,
)
