"""The command line: translates arguments into calls and answers into lines, and decides nothing."""
