"""Who a credential is, and what goes without one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.auth import AuthSection, Rights
from gateway.errors import RequestError
from gateway.model import Identity
from gateway.revocations import revoke
from gateway.server.auth import LOCAL, MAX_TOKEN, QUERY_LIFETIME, Authenticator
from gateway.server.credentials import Credential, Way
from gateway.server.guesses import FREE
from tests.parts.keys import AUDIENCE, SECRET, claims, forged, signed
from tests.server.desk import auth

SECTION = auth(panel=(["bench"], []), other=(["*"], ["*"]))
HERE = "192.0.2.1"


def taking_signed(folder: Path = Path("/nonexistent"), **changed: Any) -> AuthSection:
    """An `auth` section with the two static tokens and a key."""
    jwt = {"algorithm": "HS256", "secret": SECRET, "audience": AUDIENCE, "revocations": str(folder / "revoked.json")}
    plain = SECTION.model_dump() | {"jwt": jwt} | changed
    return AuthSection.model_validate(plain)


def admit(authenticator: Authenticator, text: str, way: Way = "header") -> Identity:
    return authenticator.admit(Credential(way, text), HERE)


def refused(authenticator: Authenticator, text: str, way: Way = "header") -> str:
    """Why it is not taken; it is always `unauthorized`."""
    with pytest.raises(RequestError) as caught:
        admit(authenticator, text, way)
    assert caught.value.code == "unauthorized"
    return caught.value.message


# ---- static tokens


def test_a_token_is_known_by_its_digest() -> None:
    assert admit(Authenticator(SECTION), "panel-token") == Identity("panel", ("bench",), ())
    assert admit(Authenticator(SECTION), "other-token").name == "other"


ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_WAY = st.sampled_from(["header", "subprotocol", "query", "ticket", "message"])


@given(ANY_TEXT | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*"), ANY_WAY, st.booleans())
def test_any_other_text_is_unauthorized_however_it_comes(text: str, way: Way, in_query: bool) -> None:
    refused(Authenticator(taking_signed(allow_query_tokens=in_query)), text, way)


def test_the_digest_of_a_token_is_not_a_token() -> None:
    assert refused(Authenticator(SECTION), SECTION.tokens[0].sha256) == "the token is not valid"


def test_a_token_that_is_too_long_is_wrong() -> None:
    assert refused(Authenticator(SECTION), "x" * (MAX_TOKEN + 1)) == "the token is not valid"


def test_without_an_auth_section_everyone_is_local() -> None:
    authenticator = Authenticator(None)
    assert authenticator.is_open
    assert authenticator.without_token() == admit(authenticator, "anything") == authenticator.admit(None, HERE) == LOCAL
    assert authenticator.timeout == 10


def test_without_a_token_nobody_is_anyone_unless_it_is_said_in_so_many_words() -> None:
    assert Authenticator(SECTION).without_token() is None
    with pytest.raises(RequestError, match="a token is needed"):
        Authenticator(SECTION).admit(None, HERE)
    authenticator = Authenticator(auth(anonymous=Rights(read=("a",))))
    assert authenticator.admit(None, HERE) == authenticator.without_token() == Identity("anonymous", ("a",), ())
    assert refused(authenticator, "wrong"), "a wrong token is worse than none"


def test_rights_hold_while_the_configuration_gives_exactly_them() -> None:
    authenticator = Authenticator(SECTION)
    identity = admit(authenticator, "panel-token")
    assert authenticator.still_holds(identity)
    assert not authenticator.renewed(auth(panel=(["*"], []))).still_holds(identity)
    assert not authenticator.renewed(auth()).still_holds(identity)
    assert not authenticator.still_holds(LOCAL)
    assert Authenticator(None).still_holds(LOCAL)


def test_a_token_that_was_replaced_holds_no_more_though_name_and_rights_stayed() -> None:
    authenticator = Authenticator(SECTION)
    identity = admit(authenticator, "panel-token")
    ticket, _ = authenticator.tickets.issue(identity)
    other = [t.model_copy(update={"sha256": "0" * 64}) if t.name == "panel" else t for t in SECTION.tokens]
    replaced = authenticator.renewed(SECTION.model_copy(update={"tokens": tuple(other)}))
    assert not replaced.still_holds(identity)
    assert replaced.still_holds(admit(authenticator, "other-token"))
    assert "does not hold any more" in refused(replaced, ticket, "ticket")


# ---- signed tokens


def test_a_signed_token_is_whom_it_says() -> None:
    identity = admit(Authenticator(taking_signed()), signed(sub="tablet", exp=2_000_000_000))
    assert (identity.name, identity.read, identity.command, identity.expires) == ("tablet", ("*",), (), 2e9)
    assert identity.to_json() == {"name": "tablet", "read": ["*"], "command": [], "expires": 2e9}


def test_signed_tokens_are_wrong_where_no_key_is_configured() -> None:
    assert refused(Authenticator(SECTION), signed()) == "the token is not valid"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exp": 1000}, "has expired"), ({"exp": 999.5}, "has expired"), ({"exp": 1000.5}, None),
        ({"nbf": 1060}, "is not valid yet"), ({"iat": 1060}, "is not valid yet"), ({"nbf": 1000, "iat": 1000}, None),
        ({"iat": 1004}, None), ({"nbf": 1006}, "is not valid yet"),
    ],
)  # fmt: skip
def test_a_token_holds_from_its_begin_to_its_end(changed: dict[str, Any], said: str | None) -> None:
    authenticator = Authenticator(taking_signed(), now=lambda: 1000.0)
    token = signed(**{"exp": 2000, **changed})
    if said is None:
        assert admit(authenticator, token).name == "panel"
    else:
        assert said in refused(authenticator, token)


def test_a_revoked_token_is_refused_and_its_identity_holds_no_more(tmp_path: Path) -> None:
    authenticator = Authenticator(taking_signed(tmp_path))
    identity = admit(authenticator, signed(jti="t-1"))
    revoke(tmp_path / "revoked.json", "t-1", None, time.time())
    assert authenticator.still_holds(identity)
    assert authenticator.revocations.look()
    assert not authenticator.still_holds(identity)
    assert refused(authenticator, signed(jti="t-1")) == "the token was revoked"
    assert authenticator.still_holds(admit(authenticator, signed(jti="t-2")))
    assert authenticator.still_holds(admit(authenticator, signed(jti=None))), "nobody can revoke it alone"


def test_while_a_list_of_revoked_tokens_was_never_read_no_signed_token_is_taken(tmp_path: Path) -> None:
    (tmp_path / "revoked.json").write_text("damaged")
    authenticator = Authenticator(SECTION).renewed(taking_signed(tmp_path))
    authenticator.revocations.look()
    assert "cannot be read" in refused(authenticator, signed())
    (tmp_path / "revoked.json").write_text('{"revoked": {}}')
    authenticator.revocations.look()
    assert admit(authenticator, signed())


def test_another_key_or_audience_ends_what_was_signed_before() -> None:
    authenticator = Authenticator(taking_signed())
    identity = admit(authenticator, signed())
    assert authenticator.renewed(taking_signed()).still_holds(identity)
    for changed in ({"secret": "x" * 32}, {"audience": "others"}, {"issuer": "us"}):
        jwt = {"algorithm": "HS256", "secret": SECRET, "audience": AUDIENCE, **changed}
        assert not authenticator.renewed(taking_signed(jwt=jwt)).still_holds(identity)
    assert not authenticator.renewed(SECTION).still_holds(identity)


def test_a_signed_token_that_says_what_a_static_one_may_is_still_not_it() -> None:
    authenticator = Authenticator(taking_signed())
    identity = admit(authenticator, signed(sub="panel", read=["bench"], command=[]))
    assert not authenticator.renewed(SECTION).still_holds(identity)


# ---- tokens in a query


@pytest.mark.parametrize(("left", "taken"), [(QUERY_LIFETIME - 1, True), (QUERY_LIFETIME, False), (86_400, False)])
def test_a_signed_token_in_a_query_must_be_short_lived(left: float, taken: bool) -> None:
    authenticator = Authenticator(taking_signed(), now=lambda: 1000.0)
    token = signed(exp=1000 + left)
    if taken:
        assert admit(authenticator, token, "query").name == "panel"
    else:
        assert "a query takes a ticket" in refused(authenticator, token, "query")
        assert admit(authenticator, token, "subprotocol").name == "panel"


def test_a_static_token_in_a_query_is_not_even_looked_at() -> None:
    authenticator = Authenticator(SECTION)
    for token in ("panel-token", "wrong"):
        assert "a query takes a ticket" in refused(authenticator, token, "query")
    assert authenticator.guesses.wrong == 0


def test_any_token_in_a_query_is_taken_where_the_configuration_says_so() -> None:
    authenticator = Authenticator(taking_signed(allow_query_tokens=True))
    assert admit(authenticator, "panel-token", "query").name == "panel"
    assert admit(authenticator, signed(exp=2_000_000_000), "query").name == "panel"
    assert refused(authenticator, "wrong", "query") == "the token is not valid"


# ---- tickets


def test_a_ticket_is_its_makers_once() -> None:
    authenticator = Authenticator(taking_signed())
    identity = admit(authenticator, signed(sub="tablet"))
    ticket, _ = authenticator.tickets.issue(identity)
    assert refused(authenticator, ticket, "header"), "a ticket is no token"
    assert admit(authenticator, ticket, "ticket") == identity
    assert refused(authenticator, ticket, "ticket") == "the token is not valid"


def test_a_ticket_outlives_a_reload_and_not_the_rights_of_its_maker(tmp_path: Path) -> None:
    authenticator = Authenticator(taking_signed(tmp_path))
    kept, lost = (authenticator.tickets.issue(admit(authenticator, "panel-token"))[0] for _ in range(2))
    revoked, _ = authenticator.tickets.issue(admit(authenticator, signed(jti="t-1")))
    authenticator = authenticator.renewed(taking_signed(tmp_path))
    assert admit(authenticator, kept, "ticket").name == "panel"
    revoke(tmp_path / "revoked.json", "t-1", None, time.time())
    authenticator.revocations.look()
    assert "does not hold" in refused(authenticator, revoked, "ticket")
    assert "does not hold" in refused(authenticator.renewed(auth()), lost, "ticket")


def test_a_ticket_ends_with_its_makers_token() -> None:
    now = [1000.0]
    authenticator = Authenticator(taking_signed(), now=lambda: now[0])
    ticket, _ = authenticator.tickets.issue(admit(authenticator, signed(exp=1010)))
    now[0] = 1010.0
    assert "does not hold" in refused(authenticator, ticket, "ticket")


# ---- guessing


def test_after_wrong_tokens_not_even_a_right_one_is_looked_at_and_a_reload_changes_nothing() -> None:
    authenticator = Authenticator(taking_signed())
    for way in ("header", "message", "ticket", "subprotocol", "header"):
        refused(authenticator, "wrong", way)
    assert authenticator.guesses.wrong == FREE
    for one in (authenticator, authenticator.renewed(taking_signed())):
        with pytest.raises(RequestError) as caught:
            admit(one, "panel-token")
        assert caught.value.code == "rate_limited"
        assert caught.value.retry_after is not None
        assert one.admit(Credential("header", "panel-token"), "192.0.2.2").name == "panel"


def test_who_shows_no_token_does_not_guess_and_does_not_wait() -> None:
    authenticator = Authenticator(auth(anonymous=Rights(read=("a",))))
    for _ in range(FREE):
        refused(authenticator, "wrong")
    assert authenticator.admit(None, HERE).name == "anonymous"


def test_who_comes_with_a_token_that_was_right_once_does_not_guess(tmp_path: Path) -> None:
    """Twenty panels behind one address whose tokens end together must not lock each other out."""
    authenticator = Authenticator(taking_signed(tmp_path))
    revoke(tmp_path / "revoked.json", "t-1", None, time.time())
    authenticator.revocations.look()
    for _ in range(2 * FREE):
        refused(authenticator, signed(exp=1000))
        refused(authenticator, signed(jti="t-1"))
    assert authenticator.guesses.wrong == 0
    refused(authenticator, forged({"alg": "HS256"}, claims(exp=1000), b"x" * 32))
    assert authenticator.guesses.wrong == 1
