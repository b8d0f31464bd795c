"""Who may unlock the bank's keys: a passphrase, or a key file that only this user can read."""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qenex.crypto.files import TooOpen, read_private_file, sync_folder
from qenex.crypto.refusals import (
    KEY_FILE_EXISTS,
    KEY_FILE_MALFORMED,
    KEY_FILE_NOT_FOUND,
    KEY_FILE_TOO_OPEN,
    PASSPHRASE_TOO_SHORT,
)
from qenex.crypto.secret import Secret
from qenex.values import Refusal, refuse

PASSPHRASE_LENGTH_MIN = 12


@dataclass(frozen=True)
class KdfParameters:
    """Argon2id parameters; the default is the second recommended option of [RFC-9106] section 4: 64 MiB, 3 passes, 4 lanes."""

    memory_kib: int = 65536
    iterations: int = 3
    lanes: int = 4

    def is_acceptable(self) -> bool:
        """Between the least [OWASP-PASSWORD-STORAGE] allows (19 MiB, 2 passes) and what cannot exhaust the machine."""
        return 19456 <= self.memory_kib <= 1048576 and 2 <= self.iterations <= 64 and 1 <= self.lanes <= 16


@dataclass(frozen=True)
class Passphrase:
    """A passphrase in memory. Two ways to type the same letters (composed, decomposed) are the same passphrase."""

    secret: Secret

    @staticmethod
    def parse(text: str) -> "Passphrase | Refusal":
        """At least 12 characters after Unicode normalisation (NFC); a trailing line end is not part of it."""
        normal = unicodedata.normalize("NFC", text.rstrip("\r\n"))
        if len(normal) < PASSPHRASE_LENGTH_MIN:
            return refuse(PASSPHRASE_TOO_SHORT, minimum=PASSPHRASE_LENGTH_MIN)
        return Passphrase(Secret(normal.encode("utf-8", "surrogatepass")))

    @staticmethod
    def from_environment(environ: Mapping[str, str] = os.environ) -> "Passphrase | Refusal | None":
        """QENEX_PASSPHRASE, or None when it is not set."""
        text = environ.get("QENEX_PASSPHRASE")
        return None if text is None else Passphrase.parse(text)

    @staticmethod
    def from_file(path: Path) -> "Passphrase | Refusal":
        """The file's content without its trailing line end; the file must be ours and closed to others."""
        data = _read_secret_file(path)
        if isinstance(data, Refusal):
            return data
        try:
            return Passphrase.parse(data.decode("utf-8"))
        except UnicodeDecodeError:
            return refuse(KEY_FILE_MALFORMED, where=str(path), detail="a passphrase file is UTF-8 text")


@dataclass(frozen=True)
class KeyFile:
    """A file of 32 random bytes in hexadecimal, mode 0600, to be kept apart from the data folder and its backups."""

    path: Path

    @staticmethod
    def create(path: Path) -> "KeyFile | Refusal":
        """Make a new key file; never overwrites one, since that would lose a bank."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return refuse(KEY_FILE_EXISTS, where=str(path))
        try:
            os.write(descriptor, os.urandom(32).hex().encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.absolute().parent)
        return KeyFile(path)

    def read(self) -> Secret | Refusal:
        """The 32 bytes."""
        data = _read_secret_file(self.path)
        if isinstance(data, Refusal):
            return data
        try:
            key = bytes.fromhex(data.decode("ascii").strip())
        except (UnicodeDecodeError, ValueError):
            key = b""
        if len(key) != 32:
            return refuse(KEY_FILE_MALFORMED, where=str(self.path), detail="a key file is 64 hexadecimal digits")
        return Secret(key)


def custody_from_environment(environ: Mapping[str, str] = os.environ) -> Passphrase | KeyFile | Refusal | None:
    """QENEX_PASSPHRASE, else QENEX_PASSPHRASE_FILE, else QENEX_KEY_FILE, else None (the caller may ask a person)."""
    if "QENEX_PASSPHRASE" in environ:
        return Passphrase.from_environment(environ)
    if path := environ.get("QENEX_PASSPHRASE_FILE"):
        return Passphrase.from_file(Path(path))
    if path := environ.get("QENEX_KEY_FILE"):
        return KeyFile(Path(path))
    return None


def _read_secret_file(path: Path) -> bytes | Refusal:
    try:
        return read_private_file(path, limit=4096)
    except FileNotFoundError:
        return refuse(KEY_FILE_NOT_FOUND, where=str(path))
    except TooOpen as reason:
        return refuse(KEY_FILE_TOO_OPEN, where=str(path), detail=str(reason))
    except OSError as error:
        return refuse(KEY_FILE_TOO_OPEN, where=str(path), detail=error.strerror or str(error))
