"""The host of the embedded bank: makes, opens, restores and serves the bank of a folder, for the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qenex.books.maintenance import VerifyReport
    from qenex.cli.session import Execute, NewBank, Restoring, Session
    from qenex.products.bank import Bank
    from qenex.values import Refusal


class EmbeddedHost:
    """Implements `qenex.cli.session.Host` with files in the data folder. Imports nothing until it is asked to act."""

    def create(self, folder: Path, new: NewBank) -> Bank | Refusal:
        from qenex.main.compose import create_bank

        return create_bank(folder, new)

    def open(self, folder: Path) -> Bank | Refusal:
        from qenex.main.compose import open_bank

        return open_bank(folder)

    def close(self, bank: Bank) -> None:
        from qenex.main.compose import close_bank

        close_bank(bank)

    def make_demo(
        self, folder: Path, *, seed: int, customers: int, progress: Callable[[int, int], None] | None
    ) -> Bank | Refusal:
        from qenex.main.demo import make_demo

        return make_demo(folder, seed=seed, customers=customers, progress=progress)

    def serve(self, session: Session, *, port: int, demo_allowed: bool, execute: Execute) -> int:
        from qenex.main.running import serve

        return serve(session, port=port, demo_allowed=demo_allowed, execute=execute, host=self)

    def backup(self, bank: Bank, target: Path, progress: Callable[[int, int], None] | None) -> Refusal | None:
        from qenex.main.keeping import backup

        return backup(bank, target, progress)

    def restore(
        self, source: Path, folder: Path, wanted: Restoring, progress: Callable[[int, int], None] | None
    ) -> Bank | Refusal:
        from qenex.main.keeping import restore

        return restore(source, folder, wanted, progress)

    def verify_journal(self, folder: Path, progress: Callable[[int, int], None] | None) -> VerifyReport:
        """Check the books of a folder, signatures included when the log's public keys lie beside them."""
        from qenex.books.maintenance import verify
        from qenex.chain import parse_key_file
        from qenex.main.compose import BOOKS, PUBLIC_KEYS
        from qenex.values import Refusal

        path = folder / PUBLIC_KEYS
        keys = parse_key_file(path.read_bytes()) if path.exists() else ()
        return verify(folder / BOOKS, keys=() if isinstance(keys, Refusal) else keys, progress=progress)

    def public_keys(self, bank: Bank) -> str:
        from qenex.chain import format_key_file

        return format_key_file(bank.signers.verifier_keys)

    def proved(self, content: bytes, keys: bytes, policy: bytes | None) -> list[str] | Refusal:
        """What a receipt or consistency file proves under these keys and this witness policy, a fact per line.

        Loads nothing of the bank."""
        from qenex.chain import parse_key_file, parse_policy
        from qenex.chain.verify import describe, verify_file
        from qenex.values import Refusal

        parsed = parse_key_file(keys)
        if isinstance(parsed, Refusal):
            return parsed
        rules = None if policy is None else parse_policy(policy)
        if isinstance(rules, Refusal):
            return rules
        verified = verify_file(content, parsed, rules.witnesses if rules else None)
        return verified if isinstance(verified, Refusal) else describe(verified)

    def rotate_master_key(self, bank: Bank, new_key_file: Path | None) -> Path | Refusal:
        from qenex.main.keeping import rotate_master_key

        return rotate_master_key(bank, new_key_file)
