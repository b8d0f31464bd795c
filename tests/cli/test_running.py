"""A bank that runs: one writer, every other command forwarded to it, a page without secrets, an orderly end."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from tests.cli.commands import BINARY, Here, Process, Running, balance, new_account, new_bank, start_up, wait_until
from tests.cli.files import pain001


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[tuple[Process, Running]]:
    data = tmp_path / "bank"
    qenex = Process(data, tmp_path)
    qenex("init")
    running = start_up(data)
    yield qenex, running
    running.stop()


def fetch(running: Running, path: str) -> tuple[int, bytes, Message]:
    try:
        with urllib.request.urlopen(running.ready["address"] + path, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_commands_are_forwarded_with_their_folder_streams_and_exit_code(
    bank: tuple[Process, Running], tmp_path: Path
) -> None:
    qenex, _ = bank
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "10.00")
    elsewhere = tmp_path / "somewhere" / "else"
    elsewhere.mkdir(parents=True)
    (elsewhere / "file.xml").write_bytes(pain001("M-1", payer, [("E1", payee, 100, "EUR")]))
    there = Process(qenex.data, elsewhere)
    assert there("pay", "file.xml", "--json").json["accepted"] == 1
    there("statement", payer, "--format", "csv", "--out", "out.csv")
    assert (elsewhere / "out.csv").read_text().count("\n") == 3
    refused = there("transfer", payer, payee, "99.00", code=1)
    assert "INSUFFICIENT_FUNDS" in refused.err
    assert refused.out == ""
    there("transfer", payer, code=2)


def test_a_second_bank_in_the_same_folder_is_refused(bank: tuple[Process, Running]) -> None:
    qenex, _ = bank
    assert "BANK_RUNS" in qenex("up", "--port", "0", code=1).err
    assert "BANK_EXISTS" in qenex("init", code=1).err


def test_a_port_that_is_taken_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = Process(tmp_path / "bank")("up", "--port", str(taken.getsockname()[1]), code=1)
    assert "PORT_TAKEN" in ran.err
    assert not (tmp_path / "bank" / "keys.json").exists()


def test_what_one_process_books_the_other_sees(bank: tuple[Process, Running]) -> None:
    qenex, running = bank
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    iban = new_account(qenex, owner)
    qenex("deposit", iban, "10.00")
    assert running.stop() == 0
    assert balance(qenex, iban)["posted_minor"] == "1000"


def test_sigterm_ends_the_bank_orderly_and_its_socket_is_gone(bank: tuple[Process, Running]) -> None:
    qenex, running = bank
    assert (qenex.data / "bank.sock").is_socket()
    assert stat.S_IMODE((qenex.data / "bank.sock").stat().st_mode) == 0o600
    assert running.stop() == 0
    assert not (qenex.data / "bank.sock").exists()
    qenex("journal", "verify")


def test_a_killed_bank_leaves_nothing_in_the_way_of_the_next(bank: tuple[Process, Running]) -> None:
    qenex, running = bank
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    iban = new_account(qenex, owner)
    qenex("deposit", iban, "10.00")
    running.process.kill()
    running.process.wait()
    assert balance(qenex, iban)["posted_minor"] == "1000"
    again = start_up(qenex.data)
    assert balance(qenex, iban)["posted_minor"] == "1000"
    assert again.stop() == 0


def test_the_status_page_shows_the_log_and_no_names(bank: tuple[Process, Running]) -> None:
    qenex, running = bank
    owner = qenex("customer", "add", "Ada Lovelace", "--json").json["id"]
    iban = new_account(qenex, owner)
    moved = qenex("deposit", iban, "10.00", "--json").json["transfer_id"]
    qenex("checkpoint")
    pages = {path: fetch(running, path) for path in ("/", "/livez", "/readyz", "/checkpoint", "/keys")}
    assert {status for status, _, _ in pages.values()} == {200}
    for _, content, headers in pages.values():
        text = content.decode()
        assert not any(word in text for word in ("Ada", iban, owner, moved))
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert pages["/keys"][1].decode() == qenex("key", "export").out
    assert fetch(running, "/nothing")[0] == 404
    assert fetch(running, "/tile/../../master.key")[0] == 404
    assert fetch(running, "/tile/%2e%2e/%2e%2e/master.key")[0] == 404
    size = int(pages["/checkpoint"][1].decode().split("\n")[1])
    status, tile, headers = fetch(running, f"/tile/0/000.p/{size}" if size < 256 else "/tile/0/000")
    assert status == 200
    assert len(tile) == 32 * min(size, 256)
    assert "immutable" in headers["Cache-Control"]


def test_the_page_listens_on_loopback_only(bank: tuple[Process, Running]) -> None:
    _, running = bank
    port = running.ready["address"].rpartition(":")[2]
    listening = [
        line.split()[1]
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{running.process.pid}/net/{name}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) == int(port)
    ]
    assert listening
    assert all(address.rpartition(":")[0] in ("0100007F", "0" * 24 + "01000000") for address in listening)


def test_up_makes_the_demo_bank_in_an_empty_folder_only_and_marks_it(tmp_path: Path) -> None:
    data = tmp_path / "bank"
    running = start_up(data)
    try:
        assert running.ready["demo"] is True
        page = fetch(running, "/")[1].decode()
        assert "DEMO" in page
        accounts = Process(data)("account", "list", "--json").json
        assert len(accounts) > 10
    finally:
        assert running.stop() == 0
    again = start_up(data)
    assert len(Process(data)("account", "list", "--json").json) == len(accounts)
    assert again.stop() == 0


def test_detached_up_returns_when_ready_and_down_stops_it(tmp_path: Path) -> None:
    data = tmp_path / "bank"
    Process(data)("init")
    qenex = Process(data, environment={"DETACH": "1"})
    ready = qenex("up", "--port", "0", "--json").json
    try:
        assert ready["ready"] is True
        assert qenex("account", "list", "--json").json == []
    finally:
        assert qenex("down", "--json").json["stopped"] is True
    wait_until(lambda: not Path(f"/proc/{ready['pid']}").exists() or _is_zombie(ready["pid"]))
    assert qenex("down", "--json").json["stopped"] is False


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_two_commands_at_once_wait_for_each_other(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    iban = new_account(qenex, new_bank(qenex))
    command = [str(BINARY), "--data", str(qenex.data), "deposit", iban, "1.00"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
    for process in processes:
        _, error = process.communicate(timeout=100)
        assert process.returncode == 0, error.decode()
    assert balance(qenex, iban)["posted_minor"] == "600"


def test_many_commands_at_once_in_a_running_bank_book_each_payment_once(bank: tuple[Process, Running]) -> None:
    qenex, _ = bank
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "5.00")
    codes: list[int] = []

    def pay() -> None:
        codes.append(qenex("transfer", payer, payee, "1.00", "--end-to-end-id", "ONCE", code=None).code)

    threads = [threading.Thread(target=pay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0] + [1] * 7
    assert balance(qenex, payee)["posted_minor"] == "100"


def test_only_this_user_may_use_the_socket_and_nonsense_does_not_stop_the_bank(bank: tuple[Process, Running]) -> None:
    qenex, _ = bank
    for nonsense in (b"", b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", json.dumps({"argv": ["account"]}).encode() + b"\n"):
        client = socket.socket(socket.AF_UNIX)
        descriptor = os.open(qenex.data, os.O_RDONLY)
        client.connect(f"/proc/self/fd/{descriptor}/bank.sock")
        os.close(descriptor)
        client.sendall(nonsense)
        client.close()
    assert qenex("account", "list", "--json").json == []


def test_a_command_whose_bank_is_killed_says_what_to_do(bank: tuple[Process, Running], tmp_path: Path) -> None:
    qenex, running = bank
    os.kill(running.process.pid, signal.SIGSTOP)
    waiting = subprocess.Popen(
        [str(BINARY), "--data", str(qenex.data), "account", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=1.5)
    running.process.kill()
    _, error = waiting.communicate(timeout=60)
    assert waiting.returncode in (0, 3)
    assert waiting.returncode == 0 or b"stopped before it answered" in error
