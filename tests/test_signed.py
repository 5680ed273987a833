"""Signed tokens: which are read, and which are not, whatever they say of themselves."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Identity
from gateway.signed import MAX_TOKEN, Algorithm, TokenKey
from tests.parts.keys import AUDIENCE, SECRET, claims, forged, private_key, private_pem, public_pem, signed

KEY = TokenKey.make("HS256", SECRET.encode(), AUDIENCE)
HEADER = {"alg": "HS256", "typ": "JWT"}
ASYMMETRIC: tuple[Algorithm, ...] = ("ES256", "RS256", "EdDSA")


def key_of(algorithm: Algorithm) -> TokenKey:
    return TokenKey.make(algorithm, SECRET.encode() if algorithm == "HS256" else public_pem(algorithm), AUDIENCE)


@pytest.mark.parametrize("algorithm", ["HS256", *ASYMMETRIC])
def test_a_token_makes_one_whom_its_claims_say(algorithm: Algorithm) -> None:
    key = key_of(algorithm)
    read = key.read(signed(algorithm, sub="tablet", exp=2e9, read=["a", "b.*"], command=["a"], iat=17, nbf=18))
    assert read is not None
    assert read.identity == Identity("tablet", ("a", "b.*"), ("a",), 2e9, "t-1", key.fingerprint)
    assert read.begins == 18


def test_rights_and_an_id_that_are_not_said_are_none() -> None:
    read = KEY.read(signed(read=None, command=None, jti=None))
    assert read is not None
    assert (read.identity.read, read.identity.command, read.identity.jti, read.begins) == ((), (), None, 0)


def test_times_are_for_the_reader_to_judge() -> None:
    read = KEY.read(signed(exp=5.5, nbf=4_000_000_000))
    assert read is not None
    assert (read.identity.expires, read.begins) == (5.5, 4e9)


@pytest.mark.parametrize("audience", [AUDIENCE, ["others", AUDIENCE]])
def test_one_of_several_audiences_may_be_ours(audience: object) -> None:
    assert KEY.read(signed(aud=audience)) is not None


@pytest.mark.parametrize("claim", ["exp", "aud", "sub"])
def test_a_token_without_this_claim_is_none(claim: str) -> None:
    assert KEY.read(forged(HEADER, claims(**{claim: None}))) is None
    assert KEY.read(forged(HEADER, {**claims(), claim: None})) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "others"}, {"aud": ["others"]}, {"aud": {AUDIENCE: 1}}, {"aud": [AUDIENCE, 1]}, {"aud": []},
        {"exp": "2000000000"}, {"exp": True}, {"exp": -1}, {"exp": 1e300}, {"exp": 10**40}, {"exp": math.nan},
        {"exp": math.inf}, {"exp": [1]}, {"nbf": "1"}, {"nbf": math.inf}, {"iat": "1"}, {"iat": -math.inf},
        {"sub": 17}, {"sub": ["a"]}, {"sub": ""}, {"sub": "a b"}, {"sub": "a\nb"}, {"sub": "x" * 65},
        {"jti": ""}, {"jti": 17}, {"jti": "a b"}, {"jti": "x" * 129}, {"jti": "\x1b[2J"},
        {"read": "*"}, {"read": ["*"] * 65}, {"read": [""]}, {"read": ["x" * 257]}, {"read": [7]}, {"read": {}},
        {"command": "*"}, {"command": [None]}, {"command": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_claims_that_make_no_sense_make_no_one(changed: dict[str, Any]) -> None:
    assert KEY.read(forged(HEADER, claims(**changed))) is None
    assert KEY.read(forged(HEADER, claims())) is not None, "without the change it is right"


def test_the_issuer_counts_where_one_is_configured() -> None:
    key = TokenKey.make("HS256", SECRET.encode(), AUDIENCE, "https://id.example")
    assert key.read(signed(iss="https://id.example")) is not None
    for issuer in (None, "https://id.example.evil", ["https://id.example"]):
        assert key.read(forged(HEADER, claims(iss=issuer))) is None
    assert KEY.read(signed(iss="anybody")) is not None


# ---- attacks


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", "HS384", "hs256", None, 17, ["HS256"]])
def test_alg_none_and_any_but_the_pinned_algorithm_are_refused(name: object) -> None:
    assert KEY.read(forged({"alg": name, "typ": "JWT"}, claims())) is None
    assert KEY.read(forged({"alg": name, "typ": "JWT"}, claims(), secret=None)) is None
    assert KEY.read(forged({"typ": "JWT"}, claims())) is None


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_public_key_is_no_secret_to_sign_with(algorithm: Algorithm) -> None:
    """Key confusion: everybody knows the public key, and an HMAC made with it must not count."""
    pem = public_pem(algorithm)
    for secret in (pem, pem.rstrip(), pem.decode().strip().encode()):
        for name in ("HS256", algorithm):
            assert key_of(algorithm).read(forged({"alg": name, "typ": "JWT"}, claims(), secret)) is None
    assert key_of(algorithm).read(signed()) is None
    with pytest.raises(ValueError, match="no secret"):
        TokenKey.make("HS256", pem, AUDIENCE)


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": True}, {"crit": []}])
def test_a_token_with_critical_extensions_is_refused(header: dict[str, Any]) -> None:
    assert KEY.read(forged({**HEADER, **header}, claims())) is None


@pytest.mark.parametrize(
    "header", [{"jwk": {"kty": "oct", "k": "AA"}}, {"kid": "../../x"}, {"jku": "http://127.0.0.1/"}]
)
def test_a_key_that_the_token_brings_itself_changes_nothing(header: dict[str, Any]) -> None:
    assert KEY.read(forged({**HEADER, **header}, claims(), b"x" * 32)) is None


def test_a_change_of_one_character_is_seen() -> None:
    token = signed()
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert KEY.read(changed) is None or changed.split(".")[:2] == token.split(".")[:2], place


def test_another_key_signs_for_nothing() -> None:
    assert KEY.read(signed(key="x" * 32)) is None
    assert key_of("RS256").read(signed("RS256", private_key("another RS256"))) is None


def test_a_huge_token_is_not_even_looked_at() -> None:
    longest = signed(jti="x" * 100, pad="x" * 5500)
    assert len(longest) < MAX_TOKEN
    assert KEY.read(longest) is not None
    assert KEY.read(signed(pad="x" * MAX_TOKEN)) is None
    assert KEY.read("x." * 1_000_000) is None


@given(st.text(st.characters(exclude_categories=())) | st.from_regex(r"[\w=-]*\.[\w=-]*\.[\w=-]*"))
def test_any_text_is_read_without_raising(text: str) -> None:
    assert KEY.read(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["exp", "aud", "sub", "jti", "nbf", "iat", "iss", "read", "command"]), JSON))
def test_any_claims_of_a_right_signature_are_read_without_raising(changed: dict[str, Any]) -> None:
    read = KEY.read(forged(HEADER, {**claims(), **changed}))
    assert read is None or read.identity.signed_by == KEY.fingerprint


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk"]), JSON), JSON)
def test_any_header_and_any_payload_are_read_without_raising(header: dict[str, Any], payload: object) -> None:
    assert KEY.read(forged({**HEADER, **header}, payload)) is None


def test_deep_nesting_is_read_without_raising() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    assert KEY.read(forged(HEADER, {**claims(), "read": deep})) is None
    assert KEY.read(forged({**HEADER, "x": deep}, claims())) is not None  # a member that nobody looks at


# ---- keys


@pytest.mark.parametrize(
    ("algorithm", "material", "said"),
    [
        ("HS256", b"", "shorter than 32 bytes"), ("HS256", b"x" * 31, "shorter than 32 bytes"),
        ("HS256", b'{"kty":"oct","k":"0123456789012345678901234567890"}', "no secret"),
        ("HS256", b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDd0ZXN0dGVzdHRlc3Q", "no secret"),
        ("RS256", b"", "no public key"), ("RS256", b"x" * 500, "no public key"),
        ("ES256", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(algorithm: Algorithm, material: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TokenKey.make(algorithm, material, AUDIENCE)


@pytest.mark.parametrize(
    ("algorithm", "kind", "said"),
    [
        ("RS256", "small RSA", "has 1024 bits: 2048 are the least"), ("RS256", "ES256", "RS256 needs an RSA key"),
        ("RS256", "EdDSA", "RS256 needs an RSA key"), ("ES256", "P-384", "ES256 needs an EC key of the curve P-256"),
        ("ES256", "RS256", "ES256 needs an EC key"), ("EdDSA", "ES256", "EdDSA needs an Ed25519 key"),
    ],
)  # fmt: skip
def test_a_key_must_fit_its_algorithm(algorithm: Algorithm, kind: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TokenKey.make(algorithm, public_pem(kind), AUDIENCE)


def test_the_gateway_does_not_take_a_private_key() -> None:
    with pytest.raises(ValueError, match="private key, which the gateway should not have"):
        TokenKey.make("ES256", private_pem("ES256"), AUDIENCE)


def test_a_key_does_not_show_its_secret() -> None:
    assert SECRET not in repr(KEY)
    assert KEY.fingerprint not in repr(KEY.read(signed()))


def test_the_fingerprint_is_that_of_all_that_counts() -> None:
    made = [
        TokenKey.make("HS256", SECRET.encode(), AUDIENCE), TokenKey.make("HS256", SECRET.encode(), "other"),
        TokenKey.make("HS256", SECRET.encode(), AUDIENCE, "issuer"), TokenKey.make("HS256", b"x" * 32, AUDIENCE),
        key_of("ES256"),
    ]  # fmt: skip
    assert len({key.fingerprint for key in made}) == len(made)
    assert TokenKey.make("HS256", SECRET.encode(), AUDIENCE) == made[0]


# ---- writing


@pytest.mark.parametrize("algorithm", ["HS256", *ASYMMETRIC])
@pytest.mark.parametrize("issuer", [None, "us"])
def test_a_token_that_was_written_is_read(algorithm: Algorithm, issuer: str | None) -> None:
    material = SECRET.encode() if algorithm == "HS256" else public_pem(algorithm)
    key = TokenKey.make(algorithm, material, AUDIENCE, issuer)
    identity = Identity("panel", ("*",), ("a",), 2e9, "t-1", key.fingerprint)
    issued = time.time()
    read = key.read(key.sign(identity, issued, None if algorithm == "HS256" else private_pem(algorithm)))
    assert read is not None
    assert read.identity == identity
    assert read.begins == int(issued)


def test_every_token_says_whose_it_is_for_whom_and_how_long() -> None:
    token = KEY.sign(Identity("panel", ("*",), (), 2e9, "t-1"), 17.5)
    found = jwt.decode(token, options={"verify_signature": False})
    assert found == {
        "sub": "panel", "aud": AUDIENCE, "iat": 17, "exp": 2e9, "jti": "t-1", "read": ["*"], "command": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("algorithm", "pem", "said"),
    [
        ("HS256", private_pem("ES256"), "there is no private key"), ("ES256", None, "signs with a private key"),
        ("RS256", private_pem("another RS256"), "does not belong"), ("RS256", private_pem("ES256"), "not an RSA key"),
        ("EdDSA", private_pem("RS256"), "is not an Ed25519 key"), ("ES256", private_pem("P-384"), "is not an EC key"),
        ("ES256", b"nothing", "no private key in PEM form"), ("ES256", public_pem("ES256"), "no private key"),
        ("ES256", private_pem("ES256", b"password"), "is encrypted"),
    ],
)  # fmt: skip
def test_a_private_key_that_does_not_fit_signs_nothing(algorithm: Algorithm, pem: bytes | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        key_of(algorithm).sign(Identity("panel", ("*",), (), 2e9, "t-1"), time.time(), pem)
