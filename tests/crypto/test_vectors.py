"""Conformance: the primitives under the keys agree with NIST's published cases."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qenex.crypto.commitment import commitment


def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    groups = json.loads(gzip.decompress((Path(__file__).parent / "vectors" / name).read_bytes()))
    for group in groups:
        for case in group["tests"]:
            yield group, case


def test_aes_gcm_agrees_with_acvp():
    checked = 0
    for group, case in cases("aes_gcm.json.gz"):
        if group["tagLen"] != 128:
            continue
        cipher = AESGCM(bytes.fromhex(case["key"]))
        nonce, additional = bytes.fromhex(case["iv"]), bytes.fromhex(case["aad"])
        sealed = bytes.fromhex(case["ct"]) + bytes.fromhex(case["tag"])
        if case["testPassed"]:
            plain = bytes.fromhex(case["pt"])
            assert cipher.encrypt(nonce, plain, additional) == sealed
            assert cipher.decrypt(nonce, sealed, additional) == plain
        else:
            with pytest.raises(InvalidTag):
                cipher.decrypt(nonce, sealed, additional)
        checked += 1
    assert checked == 30


def test_ml_dsa_65_verifies_as_acvp_says():
    checked = 0
    for group, case in cases("ml_dsa_65_verify.json.gz"):
        key = MLDSA65PublicKey.from_public_bytes(bytes.fromhex(case["pk"]))
        signature = bytes.fromhex(case["signature"])
        try:
            if group["externalMu"]:
                key.verify_mu(signature, bytes.fromhex(case["mu"]))
            else:
                key.verify(signature, bytes.fromhex(case["message"]), bytes.fromhex(case["context"]))
            accepted = True
        except InvalidSignature:
            accepted = False
        assert accepted == case["testPassed"], case["tcId"]
        checked += 1
    assert checked == 30


def test_ml_dsa_65_seeds_give_the_keys_acvp_says():
    for _, case in cases("ml_dsa_65_keys.json.gz"):
        key = MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(case["seed"]))
        assert key.public_key().public_bytes_raw() == bytes.fromhex(case["pk"])


def test_a_commitment_is_sha_256_of_salt_and_record():
    # [FIPS-180-4] example: SHA-256 of 56 bytes, cut into a "salt" of 32 and a "record" of 24.
    message = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    expected = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    assert commitment(message[:32], message[32:]).hex() == expected
