"""The verbs of the command line, one module per group; each is imported when it runs."""
