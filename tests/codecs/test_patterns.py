"""Patterns that are let in take no longer than a bound says, and those that could are not let in."""

import random
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.codecs.pattern_tree import ANYTHING, FLAGS, PatternError, parse
from gateway.codecs.patterns import MOST_STEPS, bound, check

LONGEST = 1024  # characters, the default of `max`
SECONDS = 0.5  # of CPU, for one frame; the usual worst is a tenth of it


def refusal(pattern: str, longest: int = LONGEST, *, search: bool = False) -> str | None:
    try:
        check([pattern], longest, search=search)
    except PatternError as error:
        return str(error)
    return None


class TestWhatIsLetIn:
    @pytest.mark.parametrize(
        "pattern",
        [
            r"T=(?P<t>-?\d+\.\d+) H=(?P<h>\d+)",
            r".*T=(?P<t>\d+).*",
            r"(?P<a>[^,]*),(?P<b>[^,]*),(?P<c>[^,]*),(?P<d>.*)",
            r"(?P<a>\S+)\s+(?P<b>\S+)\s+(?P<c>\S+)\s*",
            r"\s*T\s*[=:]\s*(?P<t>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*°?C?\s*",
            r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>[\d:.]+)Z? (?P<level>\w+): (?P<text>.*)",
            r"(?P<state>idle|run|stop|error \d+)",
            r"(?:[a-z]|\d)*=(?P<t>.*)",
            r"(?P<a>.+?),(?P<b>.+?),(?P<c>.*)",
        ],
    )
    def test_what_people_write_is(self, pattern: str) -> None:
        assert refusal(pattern) is None

    @pytest.mark.parametrize(
        "pattern", [r"T=(?P<t>-?\d+\.\d+)", r"T=(?P<t>\d+).*H=(?P<h>\d+)", r"(?P<t>\d+) ?C\b", r"^\w+: (?P<t>.*)$"]
    )
    def test_what_people_search_for_is(self, pattern: str) -> None:
        assert refusal(pattern, search=True) is None


class TestWhatIsNot:
    @pytest.mark.parametrize(
        ("pattern", "part"),
        [
            ("(a+)+b", r"a\+ in \(a\+\)\+"),
            ("(a*)*b", "nothing: "),
            ("(?:a?b)*c", r"a\? in \(\?:a\?b\)\*"),
            ("(?:a{1,2}){2,}c", r"a\{1,2\} in \(\?:a\{1,2\}\)\{2,\}"),
            (r"(?:\d+,)*", r"\\d\+ in \(\?:\\d\+,\)\*"),
            ("(?:a|ab)*c", "begin alike|may be nothing"),
            ("(?:ab|a.)+c", "begin alike"),
            (r"(?P<a>x)\1", "reference back"),
            ("(?P<a>x)(?P=a)", "reference back"),
            ("(a)?(?(1)b|c)", "reference back"),
            ("a(?=b)", "looks ahead or behind"),
            ("a(?!b)", "looks ahead or behind"),
            ("(?<=a)b", "looks ahead or behind"),
            ("(?<!a)b", "looks ahead or behind"),
            ("(?!)", "looks ahead or behind"),
            ("(?i:a)b", "flags hold for the whole pattern"),
            ("((((a{50}){50}){50}){50})", "is too large"),
            ("(" * 500 + ")" * 500, "too deeply nested|too large"),
            ("[a&&b]", "is not clear: possible set intersection"),
            ("a{2,1}", "min repeat greater than max repeat at character"),
        ],
    )
    def test_what_has_no_bound_is_refused_by_name(self, pattern: str, part: str) -> None:
        told = refusal(pattern)
        assert told is not None
        assert re.search(part, told), told

    @pytest.mark.parametrize(
        ("pattern", "search", "remedy"),
        [
            (".*a.*b.*c", False, "`max` to 227"),
            (r".*.*\d+;", False, "`max` to 286"),
            (r"\w+\d+\w+x", True, "`max` to"),
            ("a?" * 30 + "a" * 30, False, "say more closely"),
            ("(?:a|ab)(?:a|b)" * 30, False, "say more closely"),
        ],
    )
    def test_what_may_take_too_long_is_refused_with_a_remedy(self, pattern: str, search: bool, remedy: str) -> None:
        told = refusal(pattern, search=search)
        assert told is not None
        assert remedy in told

    def test_the_remedy_helps(self) -> None:
        assert refusal(".*a.*b.*c", 227) is None
        assert refusal(".*a.*b.*c", 228) is not None

    def test_patterns_share_the_bound(self) -> None:
        check([".*a.*b"] * 2, LONGEST, search=False)
        with pytest.raises(PatternError):
            check([".*a.*b"] * 9, LONGEST, search=False)


class TestCharacters:
    """The sets that the check reckons with are those that Python's engine takes."""

    @given(
        st.sampled_from(
            ["a", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[a-f]", "[^a-f]", "[^a]", "[-x]", "é", "[é-ü]",
             "[^é]", r"[\d,]", r"[^\w.]", "[\x00-\x1f]", "[a-ü]", "K", "[k-m]", "[^K]", r"\.", r"\t"]
        ),
        st.booleans(),
        st.characters(),
    )  # fmt: skip
    def test_a_character_that_is_taken_is_in_the_set(self, atom: str, any_case: bool, character: str) -> None:
        pattern = "(?i)" + atom if any_case else atom
        chars = parse(pattern).chars
        bit = 1 << min(ord(character), 128)
        assert chars <= ANYTHING
        if re.compile(pattern, FLAGS).fullmatch(character):
            assert chars & bit
        elif character.isascii():
            assert not chars & bit


ATOMS = ["a", "b", "ab", "[ab]", "[^a]", ".", r"\d", r"\w", "1", "a1", ",", r"[^,]", r"\s", " ", "T=", "é", "[a-c]"]
TURNS = ["", "", "*", "+", "?", "{2}", "{2,5}", "{3,}", "*?", "+?", "??", "{0,80}", "*+", "++", "{1,3}"]
ATOM = st.sampled_from([atom if len(atom) == 1 or atom[0] in "[\\" else f"(?:{atom})" for atom in ATOMS])
PIECE = st.builds(str.__add__, ATOM, st.sampled_from(TURNS)) | st.just(r"\b")
PATTERN = st.recursive(
    st.lists(PIECE, min_size=1, max_size=5).map("".join),
    lambda inner: (
        st.builds("({}){}".format, inner, st.sampled_from(TURNS))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})")
        | st.lists(inner, min_size=2, max_size=3).map("".join)
    ),
    max_leaves=6,
)
UNITS = ["a", "b", "1", "ab", "a1", ",", "a,", "1,", " ", "T=", "T=1", "é", "aab", "ab1, ", "aaaaab", "1111,", "c"]


@pytest.mark.parametrize("examples", [150, pytest.param(20_000, marks=pytest.mark.long)])
def test_a_pattern_that_is_let_in_is_done_in_time_whatever_comes(examples: int) -> None:
    let_in = 0

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(PATTERN, st.booleans(), st.integers(0, 1 << 32))
    def tried(pattern: str, search: bool, seed: int) -> None:
        nonlocal let_in
        try:
            steps = bound(parse(pattern), search=search)
        except PatternError:
            return
        longest = steps.longest(LONGEST)
        assert steps.on(longest) <= MOST_STEPS
        if longest < 16:
            return
        let_in += 1
        compiled = re.compile(pattern, FLAGS)
        match = compiled.search if search else compiled.fullmatch
        chosen = random.Random(seed)
        for unit in [*chosen.sample(UNITS, 3), "".join(chosen.choices(UNITS, k=3))]:
            for tail in ("", "!", chosen.choice(UNITS)):
                text = (chosen.choice(["", *UNITS]) + unit * longest)[: longest - len(tail)] + tail
                started = time.process_time()
                match(text)
                assert time.process_time() - started < SECONDS, (pattern, text)

    tried()
    assert let_in > examples / 10
