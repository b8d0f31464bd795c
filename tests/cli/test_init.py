"""Making a bank: what is refused, what is private, and four eyes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from tests.cli.commands import Here, Process, balance, new_account, new_bank


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("--bic", "NOPE"), "BIC_MALFORMED"),
        (("--country", "US"), "IBAN_COUNTRY_UNKNOWN"),
        (("--bank-code", "ABC"), "IBAN_STRUCTURE_WRONG"),
        (("--cut-off", "25:00"), "TIME_MALFORMED"),
        (("--currencies", "EUR,XYZ"), "CURRENCY_UNKNOWN"),
    ],
)
def test_init_refuses_what_would_make_no_bank(options: tuple[str, ...], refusal: str, tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    assert refusal in qenex("init", *options, code=None).err
    assert not (tmp_path / "bank" / "keys.json").exists()


def test_init_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("hello")
    assert "FOLDER_NOT_EMPTY" in Here(tmp_path)("init", code=1).err


def test_a_command_without_a_bank_says_how_to_make_one(tmp_path: Path) -> None:
    ran = Here(tmp_path / "nothing")("account", "list", code=2)
    assert "BANK_NOT_FOUND" in ran.err
    assert "qenex init" in ran.err


def test_everything_in_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    new_account(qenex, new_bank(qenex))
    assert stat.S_IMODE((tmp_path / "bank").stat().st_mode) == 0o700
    for path in (tmp_path / "bank" / "master.key", tmp_path / "bank" / "keys.json", tmp_path / "bank" / "bank.lock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_bank_does_not_open_without_its_master_key(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    qenex("init")
    key = tmp_path / "bank" / "master.key"
    text = key.read_text()
    key.unlink()
    assert "KEY_FILE_NOT_FOUND" in qenex("account", "list", code=None).err
    key.write_text("0" * 64 + "\n")
    key.chmod(0o600)
    assert "KEYS_WRONG_SECRET" in qenex("account", "list", code=None).err
    key.write_text(text)
    key.chmod(0o644)
    assert "KEY_FILE_TOO_OPEN" in qenex("account", "list", code=None).err
    key.chmod(0o600)
    qenex("account", "list")


def test_a_passphrase_takes_the_place_of_the_key_file(tmp_path: Path) -> None:
    with_phrase = Process(tmp_path / "bank", environment={"QENEX_PASSPHRASE": "correct horse battery"})
    with_phrase("init")
    assert not (tmp_path / "bank" / "master.key").exists()
    with_phrase("account", "list")
    wrong = Process(tmp_path / "bank", environment={"QENEX_PASSPHRASE": "another horse battery"})
    assert "KEYS_WRONG_SECRET" in wrong("account", "list", code=None).err


def test_the_key_file_may_lie_elsewhere(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank", tmp_path)
    qenex("init", "--key-file", "safe.key")
    assert not (tmp_path / "bank" / "master.key").exists()
    qenex("account", "list")


def test_the_master_key_is_rotated_and_the_old_one_opens_nothing(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    old = (tmp_path / "bank" / "master.key").read_text()
    qenex("key", "rotate")
    assert (tmp_path / "bank" / "master.key").read_text() != old
    assert qenex("customer", "show", owner, "--json").json["name"] == "Ada Lovelace"
    (tmp_path / "bank" / "master.key").write_text(old)
    assert "KEYS_WRONG_SECRET" in qenex("account", "list", code=None).err


def test_a_bank_of_four_eyes_wants_a_reason_and_two_persons(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    assert "four eyes" in qenex("init", "--four-eyes").out
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    iban = new_account(qenex, owner)
    assert "REASON_MISSING" in qenex("account", "freeze", iban, code=1).err
    same = ("--reason", "theft", "--requested-by", "Kim", "--approved-by", "kim")
    assert "SECOND_PERSON_MISSING" in qenex("account", "freeze", iban, *same, code=1).err
    both = ("--reason", "theft", "--requested-by", "Kim", "--approved-by", "Lee")
    assert qenex("account", "freeze", iban, *both, "--json").json["status"] == "frozen"
    qenex("account", "unfreeze", iban, *both)
    qenex("account", "limit", iban, "100", *both)
    qenex("book", "1100-EUR", "3100-EUR", "1.00", *both)
    assert "REASON_MISSING" in qenex("book", "1100-EUR", "3100-EUR", "1.00", code=1).err


def test_the_second_person_repeats_the_command_with_the_number_of_the_request(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    qenex("init", "--four-eyes")
    iban = new_account(qenex, qenex("customer", "add", "Ada", "--json").json["id"])
    order = ("account", "limit", iban, "100.00")
    asked = qenex(*order, "--reason", "rating B", "--requested-by", "Kim", code=1)
    assert "APPROVAL_AWAITED" in asked.err
    assert balance(qenex, iban)["limit_minor"] == "0"
    number = qenex("approvals", "--state", "requested", "--json").json[0]["id"]
    assert number in asked.err
    assert "FOUR_EYES" in qenex(*order, "--approval", number, "--approved-by", "kim", code=1).err
    qenex(*order, "--approval", number, "--approved-by", "Lee")
    assert balance(qenex, iban)["limit_minor"] == "10000"
    assert "APPROVAL" in qenex(*order, "--approval", number, "--approved-by", "Lee", code=1).err
    assert "APPROVAL_MISSING" in qenex(*order, "--approval", "77", "--approved-by", "Lee", code=1).err
    # An approval is for exactly what was asked.
    qenex(*order, "--reason", "rating C", "--requested-by", "Kim", code=1)
    number = qenex("approvals", "--state", "requested", "--json").json[0]["id"]
    more = qenex("account", "limit", iban, "900.00", "--approval", number, "--approved-by", "Lee", code=1)
    assert "APPROVAL_MISSING" in more.err
    assert "rating" in qenex("approvals").out
    book = ("book", "1100-EUR", "3100-EUR", "5.00")
    qenex(*book, "--reason", "capital", "--requested-by", "Kim", code=1)
    number = qenex("approvals", "--state", "requested", "--json").json[-1]["id"]
    qenex(*book, "--approval", number, "--approved-by", "Lee")


def test_a_bank_of_one_operator_says_so(tmp_path: Path) -> None:
    assert "single operator" in Here(tmp_path / "bank")("init").out


def test_account_numbers_are_of_the_country_chosen(tmp_path: Path) -> None:
    for country, currency in (("AT", "EUR"), ("GB", "GBP"), ("CH", "CHF"), ("NO", "NOK")):
        qenex = Here(tmp_path / country)
        owner = new_bank(qenex, "--country", country)
        first, second = new_account(qenex, owner, currency), new_account(qenex, owner, currency)
        assert first[:2] == second[:2] == country
        assert first != second


def test_accounts_of_every_number_of_decimals_count_in_minor_units(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    owner = new_bank(qenex)
    for currency, amount, minor in (("JPY", "500", "500"), ("KWD", "1.234", "1234"), ("CLF", "1.2345", "12345")):
        iban = new_account(qenex, owner, currency)
        assert qenex("deposit", iban, amount, "--json").json["amount_minor"] == minor


def test_an_erased_customer_leaves_the_books_whole(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    owner = new_bank(qenex)
    iban, other = new_account(qenex, owner), new_account(qenex, qenex("customer", "add", "Bob", "--json").json["id"])
    qenex("deposit", iban, "5.00")
    qenex("transfer", iban, other, "5.00", "--text", "secret words")
    qenex("account", "close", iban)
    qenex("customer", "erase", owner, "--yes", "--reason", "asked for it")
    shown = qenex("customer", "show", owner, "--json").json
    assert (shown["status"], shown["name"]) == ("erased", None)
    assert qenex("trial-balance", "--json").json["balanced"]
    assert "secret words" not in qenex("statement", other).out
    assert "CUSTOMER_ERASED" in qenex("customer", "erase", owner, "--yes", code=1).err
    assert "CUSTOMER_ERASED" in qenex("account", "open", "--owner", owner, "--currency", "EUR", code=1).err


def test_an_init_that_was_refused_can_be_repeated(tmp_path: Path) -> None:
    short = Process(tmp_path / "bank", environment={"QENEX_PASSPHRASE": "short"})
    assert "PASSPHRASE_TOO_SHORT" in short("init", code=None).err
    taken = tmp_path / "taken.key"
    taken.write_text("x")
    assert "KEY_FILE_EXISTS" in Here(tmp_path / "bank")("init", "--key-file", str(taken), code=None).err
    Here(tmp_path / "bank")("init")


def test_an_init_that_was_killed_says_so_and_holds_no_bank(tmp_path: Path) -> None:
    from tests.payments.test_crash import killed_at

    killed_at("Books.create_accounts", tmp_path / "bank", "init")
    ran = Here(tmp_path / "bank")("account", "list", code=3)
    assert "interrupted" in ran.err
    assert len(ran.err.splitlines()) == 1
