"""Who gets a message of the broker."""

from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from gateway.adapters.mqtt.takers import Takers

level = st.sampled_from(["a", "b", "", "$x", "a+", "ä\n"])
topics = st.lists(level, min_size=1, max_size=4).map("/".join).filter(bool)
filters = (
    st.tuples(st.lists(level | st.just("+"), max_size=4), st.booleans())
    .map(lambda parts: "/".join([*parts[0], *(["#"] if parts[1] else [])]))
    .filter(lambda text: bool(text) and "a+" not in text)
)


@given(wanted=st.lists(filters, max_size=4), topic=topics)
@example(wanted=["#"], topic="$SYS/a")
@example(wanted=["a/#"], topic="a")
@example(wanted=["+/b"], topic="$x/b")
def test_topics_go_to_those_whose_filters_match_as_the_standard_has_it(wanted: list[str], topic: str) -> None:
    takers = Takers()
    for rank, each in enumerate(wanted):
        takers.add(rank, [each])
    expected = tuple(rank for rank, each in enumerate(wanted) if topic_matches_sub(each, topic))
    assert takers.of(topic) == expected
    assert takers.of(topic) == expected  # as it is remembered


@given(wanted=st.lists(st.tuples(st.integers(0, 2), filters), max_size=6, unique=True), topic=topics, data=st.data())
def test_what_is_dropped_is_forgotten_and_nothing_else_is(
    wanted: list[tuple[int, str]], topic: str, data: st.DataObject
) -> None:
    takers = Takers()
    for rank, each in [*wanted, *wanted]:  # twice is as once
        takers.add(rank, [each])
    takers.of(topic)
    left = list(wanted)
    for rank, each in data.draw(st.permutations(wanted))[:3]:
        left.remove((rank, each))
        unwanted = takers.drop(rank, [each])
        assert unwanted == ([] if each in [other for _, other in left] else [each])
    assert takers.of(topic) == tuple(sorted({rank for rank, each in left if topic_matches_sub(each, topic)}))


def test_what_was_never_wanted_can_be_dropped() -> None:
    takers = Takers()
    takers.add(0, ["a", "b/+"])
    assert takers.drop(1, ["a", "b/+", "c"]) == []
    assert takers.of("a") == takers.of("b/x") == (0,)


def test_a_flood_of_topics_is_not_remembered_for_ever() -> None:
    takers = Takers()
    takers.add(0, ["#"])
    for number in range(20_000):
        assert takers.of(f"t{number}") == (0,)
    assert len(takers._known) <= 16_384
    takers.of("x" * 1000)
    assert "x" * 1000 not in takers._known
