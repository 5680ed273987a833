"""The chart's bounded history, and how values, units and ages are written."""

import pytest

from tests.browser.conftest import RunClient

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_history_is_bounded_and_keeps_peaks_order_and_the_newest(run_client: RunClient) -> None:
    longest, length, peaks, ordered, newest, columns = await run_client("""
        const { History } = await import("/history.js");
        const history = new History();
        let longest = 0;
        for (let i = 0; i < 50000; i += 1) {
          // More than eight minutes at 100 Hz; a spike of one reading every 50 seconds.
          history.add(1000 + i / 100, [["a", i % 5000 === 2500 ? 99 : 1]]);
          longest = Math.max(longest, history.times.length);
        }
        const column = history.column("a");
        return [longest, history.times.length, column.filter((value) => value === 99).length,
                history.times.every((time, i) => i === 0 || time > history.times[i - 1]),
                history.times.at(-1), column.length];
    """)
    assert length > 1000
    assert longest <= 2001
    assert length == columns
    assert peaks == 10
    assert ordered
    assert newest == pytest.approx(1499.99)


async def test_old_readings_are_forgotten_first(run_client: RunClient) -> None:
    first = await run_client("""
        const { History } = await import("/history.js");
        const history = new History();
        for (let second = 0; second < 5000; second += 1) history.add(second, [["a", second]]);
        return history.times[0];
    """)
    assert first >= 2000  # 2,000 readings, one a second, are more than the ten minutes kept


async def test_a_point_that_was_not_measured_leaves_no_break_and_an_interruption_does(run_client: RunClient) -> None:
    columns = await run_client("""
        const { History } = await import("/history.js");
        const history = new History();
        history.add(1, [["a", 10]]);
        history.add(2, [["b", 20]]);
        history.add(2, [["a", 11]]);
        history.interrupt();
        history.add(3, [["a", null]]);
        const told = (value) => (value === undefined ? "not measured" : value);
        return [history.times, [...history.column("a")].map(told), [...history.column("b")].map(told)];
    """)
    assert columns == [[1, 2, 2.001, 3], [10, 11, None, None], ["not measured", 20, None, "not measured"]]


async def test_a_clock_that_is_set_back_starts_the_history_anew(run_client: RunClient) -> None:
    times = await run_client("""
        const { History } = await import("/history.js");
        const history = new History();
        for (const time of [1000, 1001, 1000.5, 400, 401]) history.add(time, [["a", 1]]);
        return history.times;
    """)
    assert times == [400, 401]


async def test_a_value_that_was_held_back_stands_where_it_was_measured(run_client: RunClient) -> None:
    times, held, other = await run_client("""
        const { History } = await import("/history.js");
        const history = new History();
        for (let second = 0; second <= 300; second += 100) history.add(1000 + second, [["other", second]]);
        history.add(1150, [["held", 5]]);
        history.add(1200, [["held", 6]]);
        history.add(1400, [["other", 400]]);
        const told = (value) => (value === undefined ? "not measured" : value);
        return [history.times, [...history.column("held")].map(told), [...history.column("other")].map(told)];
    """)
    none = "not measured"
    assert times == [1000, 1100, 1150, 1200, 1300, 1400]
    assert held == [none, none, 5, 6, none, none]
    assert other == [0, 100, none, 200, 300, 400]


async def test_a_clock_that_is_set_back_by_minutes_starts_it_anew_after_a_few_readings(run_client: RunClient) -> None:
    times = await run_client("""
        const { History } = await import("/history.js");
        const history = new History();
        for (let second = 0; second < 500; second += 1) history.add(1000 + second, [["a", 1]]);
        for (let second = 0; second < 10; second += 1) history.add(1200.5 + second, [["a", 1]]);
        return history.times;
    """)
    assert times == [1205.5, 1206.5, 1207.5, 1208.5, 1209.5]


async def test_the_health_of_a_link_is_told_in_words(run_client: RunClient) -> None:
    texts = await run_client("""
        const { healthTexts } = await import("/health.js");
        const link = {frames: 1204, errors: 3, reconnects: 1, bytes: 9, checksum_errors: 2, resyncs: 4, filtered: 7,
                      last_heard: 995, rate: 12.5};
        const quiet = {frames: 1, errors: 0, reconnects: 0, last_heard: null};
        return [healthTexts(link, 1000), healthTexts(quiet, 1000), healthTexts(null, 1000)];
    """)
    assert texts == [
        [
            "Heard 5 s ago", "1,204 frames, 12.5 a second", "3 unreadable, 2 by their checksum", "back in step 4 times",
            "1 reconnect", "7 values held back",
        ],
        ["Never heard", "1 frame", "0 unreadable"],
        [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Cel", "°C"),
        ("%", "%"),
        ("m3/h", "m³/h"),
        ("ug/m3", "µg/m³"),
        ("uS/cm", "µS/cm"),
        ("m/s2", "m/s²"),
        ("kW.h", "kWh"),
        ("N.m", "N·m"),
        ("{counts}", "counts"),
        ("1", ""),
        (None, ""),
        ("km/h", "km/h"),
        ("<b>", "<b>"),
    ],
)
async def test_units_are_written_as_people_write_them(run_client: RunClient, code: str | None, text: str) -> None:
    argument = "null" if code is None else f'"{code}"'
    assert await run_client(f'return (await import("/format.js")).unitText({argument});') == text


async def test_numbers_keep_what_says_something(run_client: RunClient) -> None:
    texts = await run_client("""
        const { numberText, decimalsOf } = await import("/format.js");
        const numbers = [0, 21.4, -0.5, 21.123456, 1013.25, 123456, 0.00123, 1e-9, 5e15];
        return [numbers.map((number) => numberText(number).replaceAll(/[,\\u202f\\u00a0]/g, "")),
                numberText(21, 1), decimalsOf(2.5), decimalsOf(0.1 + 0.2), decimalsOf(20)];
    """)
    numbers, padded, *decimals = texts
    assert numbers == ["0", "21.4", "-0.5", "21.123", "1013.3", "123456", "0.00123", "1.000e-9", "5.000e+15"]
    assert padded == "21.0"
    assert decimals == [1, 1, 0]


async def test_ages_are_written_in_the_largest_unit(run_client: RunClient) -> None:
    ages = await run_client("""
        const { ageText } = await import("/format.js");
        return [0, 1.9, 12, 59.9, 60, 3599, 7300, 90000].map(ageText);
    """)
    assert ages == ["now", "now", "12 s ago", "59 s ago", "1 min ago", "59 min ago", "2 h ago", "1 d ago"]
