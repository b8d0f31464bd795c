"""receipt, verify, checkpoint, key export, key rotate."""

from __future__ import annotations

from argparse import Namespace

from qenex.cli.files import read_file, write_file
from qenex.cli.parser import UsageError
from qenex.cli.session import Session, taken

FILE_BYTES_MAX = 1 << 24


def receipt(arguments: Namespace, session: Session) -> int:
    from qenex.products.bank import parse_number

    transfer_id = taken(parse_number(arguments.transfer_id, "a transfer's id"))
    data = taken(session.bank().books.receipt(transfer_id))
    return _deliver(session, arguments.out, data, {"transfer_id": str(transfer_id)}, "receipt")


def checkpoint(arguments: Namespace, session: Session) -> int:
    books = session.bank().books
    if (arguments.cosigned is None) != (arguments.policy is None):
        raise UsageError("--cosigned and --policy go together: cosignatures are taken only when a policy checks them.")
    if arguments.cosigned is not None:
        cosigned = read_file(session.path(arguments.cosigned), FILE_BYTES_MAX)
        data = taken(books.add_cosignatures(cosigned, read_file(session.path(arguments.policy), FILE_BYTES_MAX)))
    elif arguments.tiles is not None:
        data = taken(books.export_tiles(session.path(arguments.tiles)))
    elif arguments.since is not None:
        older = read_file(session.path(arguments.since), FILE_BYTES_MAX)
        proof = taken(books.consistency(older))
        return _deliver(session, arguments.out, proof, {"since": int(older.split(b"\n")[1])}, "consistency proof")
    else:
        data = taken(books.checkpoint())
    origin, size, root = data.decode().split("\n", 3)[:3]
    return _deliver(session, arguments.out, data, {"origin": origin, "size": int(size), "root": root}, "checkpoint")


def key_export(arguments: Namespace, session: Session) -> int:
    bank = session.bank()
    data = session.host.public_keys(bank).encode()
    return _deliver(session, arguments.out, data, {"origin": bank.signers.origin}, "public keys")


def key_rotate(arguments: Namespace, session: Session) -> int:
    new = session.path(arguments.new_key_file) if arguments.new_key_file else None
    place = taken(session.host.rotate_master_key(session.bank(), new))
    if session.json:
        session.out.document({"master_key": str(place)})
    else:
        session.out.line(f"a new master key is in use; its secret is in {place}")
    return 0


def _deliver(session: Session, out: str | None, data: bytes, facts: dict[str, object], what: str) -> int:
    if out is not None:
        target = session.path(out)
        write_file(target, data)
        if session.json:
            session.out.document({**facts, "out": str(target.resolve())})
        else:
            session.out.line(f"{what}: {target}")
    elif session.json:
        session.out.document({**facts, "content": data.decode()})
    else:
        session.out.bytes(data)
    return 0


def verify(arguments: Namespace, session: Session) -> int:
    """Reads the files named and nothing else."""
    keys = read_file(session.path(arguments.key), FILE_BYTES_MAX)
    policy = read_file(session.path(arguments.policy), FILE_BYTES_MAX) if arguments.policy else None
    lines = taken(session.host.proved(read_file(session.path(arguments.file), FILE_BYTES_MAX), keys, policy))
    if session.json:
        session.out.document({"ok": True, "proves": [line.strip() for line in lines]})
    else:
        for line in lines:
            session.out.line(line)
    return 0
