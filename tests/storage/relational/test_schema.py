"""The schema: migrations and metadata agree, go up and down, and every key starts with the shard."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import UniqueConstraint, create_engine
from tests.storage.relational.worlds import anna_with_an_account, code_of, keyring_in, opened

from qenex.storage.relational import Store, migrations, payment_rows, shard_of, shard_of_key
from qenex.storage.relational.database import Database
from qenex.storage.relational.schema import metadata


def shape(path: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name").fetchall()
    connection.close()
    return [(kind, name, sql) for kind, name, sql in rows if "alembic" not in name and "alembic" not in sql]


def test_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_the_migrations_make_what_the_metadata_says(tmp_path: Path):
    database = Database(tmp_path)
    database.migrate()
    engine = create_engine(f"sqlite:///{database.path}")
    with engine.connect() as described:
        differences = compare_metadata(MigrationContext.configure(described), metadata)
    engine.dispose()
    with database.read("compare") as connection:
        made = {
            row[0]: row[1]
            for row in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        }
    database.close()
    assert differences == []
    for table in metadata.sorted_tables:
        # compare_metadata does not look at checks; each must stand in the table under its own name.
        for constraint in table.constraints:
            assert f"CONSTRAINT {constraint.name} " in made[table.name], constraint.name
        assert "STRICT" in made[table.name]


def test_the_schema_goes_up_down_and_up_again(tmp_path: Path):
    database = Database(tmp_path)
    database.migrate()
    first = shape(database.path)
    assert len([row for row in first if row[0] == "trigger"]) > 30
    database.migrate("base")
    assert shape(database.path) == []
    database.migrate()
    assert shape(database.path) == first
    database.close()


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path):
    opened(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "bank.sqlite3")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert code_of(Store.open(tmp_path, keyring_in(tmp_path))) == "STORE_NEWER"


def test_a_store_is_made_once_and_opened_where_it_is(tmp_path: Path):
    keyring = keyring_in(tmp_path)
    assert code_of(Store.open(tmp_path, keyring)) == "STORE_NOT_FOUND"
    opened(tmp_path).close()
    assert code_of(Store.create(tmp_path, keyring)) == "STORE_EXISTS"
    assert (tmp_path / "bank.sqlite3").stat().st_mode & 0o077 == 0


def test_an_interrupted_creation_is_finished_by_the_next_start(tmp_path: Path):
    (tmp_path / "bank.sqlite3").touch(0o600)
    with opened(tmp_path) as store:
        anna_with_an_account(store)
        assert store.check() == []


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_key_and_foreign_key_starts_with_the_shard(table):
    assert table.columns.keys()[0] == "shard"
    assert next(iter(table.primary_key.columns)).name == "shard"
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            assert next(iter(constraint.columns)).name == "shard"
    for foreign in table.foreign_key_constraints:
        assert foreign.column_keys[0] == "shard"
        assert next(iter(foreign.elements)).target_fullname.endswith(".shard")
    for index in table.indexes:
        assert not index.unique or next(iter(index.columns)).name == "shard"


def test_the_shard_of_an_id_is_its_low_ten_bits_and_accounts_share_their_owners(store: Store):
    assert shard_of(0) == 0
    assert shard_of(2**128 - 1) == 1023
    assert {shard_of(store.new_account_id(7 + 1024)) for _ in range(20)} == {7}
    assert len({store.new_account_id(7) for _ in range(1000)}) == 1000
    assert 0 <= shard_of_key(b"any") < 1024


def test_naming_the_package_loads_no_database_and_no_cryptography():
    program = (
        "import sys, qenex.storage.relational, qenex.crypto; "
        "print([name for name in ('sqlalchemy', 'alembic', 'cryptography', 'numpy', 'sqlite3') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_a_start_without_work_needs_neither_alembic_nor_sqlalchemy(tmp_path: Path):
    opened(tmp_path).close()
    program = (
        "import sys, pathlib; from qenex.crypto import Keyring, KeyFile; from qenex.storage.relational import Store; "
        "folder = pathlib.Path(sys.argv[1]); keyring = Keyring.open(folder, KeyFile(folder / 'unlock')); "
        "Store.open(folder, keyring).close(); print('alembic' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False False"


def test_rows_are_written_in_the_order_of_the_columns():
    for name, columns in re.findall(r"INSERT INTO (\w+) \(([^)]*)\)", " ".join(payment_rows.INSERTS)):
        assert columns.split(", ") == [column.name for column in metadata.tables[name].columns]
