"""QENEX, a bank's core. The names of this package are loaded on first use, so that `import qenex` costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qenex.books import Books as BankingCore
    from qenex.ledger import Account, LedgerEntry
    from qenex.ledger import Transfer as Transaction

__version__ = "0.1.0"
__all__ = ["Account", "BankingCore", "LedgerEntry", "Transaction", "__version__"]

# The public name, the module it lives in, and its name there; docs/names.md explains each.
_HOMES = {
    "BankingCore": ("qenex.books", "Books"),
    "Account": ("qenex.ledger", "Account"),
    "Transaction": ("qenex.ledger", "Transfer"),
    "LedgerEntry": ("qenex.ledger", "LedgerEntry"),
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'qenex' has no attribute {name!r}")
    module, attribute = home
    value: object = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
