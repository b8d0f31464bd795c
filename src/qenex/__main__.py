"""`python -m qenex` is the same as the `qenex` command."""

import sys

from qenex.main import main

if __name__ == "__main__":
    sys.exit(main())
