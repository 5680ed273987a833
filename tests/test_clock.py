import ctypes
from types import SimpleNamespace

import pytest

from gateway import clock


class Kernel:
    """The kernel's answer to adjtimex, and how often it was asked."""

    def __init__(self) -> None:
        self.state = 0
        self.asked = 0
        self.seconds = 50.0

    def adjtimex(self, buffer: "ctypes.Array[ctypes.c_char]") -> int:
        assert len(buffer) >= 208  # struct timex on 64-bit Linux
        assert not any(buffer.raw)  # no mode bit: it only asks, and sets nothing
        self.asked += 1
        return self.state


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr(clock, "_libc", lambda: kernel)
    monkeypatch.setattr(clock, "_checked", None)
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: kernel.seconds))
    return kernel


def test_this_machines_kernel_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_checked", None)
    assert clock.clock_quality() in ("synced", "unsynced", "unknown")


@pytest.mark.parametrize(
    ("state", "quality"), [(0, "synced"), (1, "synced"), (4, "synced"), (5, "unsynced"), (-1, "unknown")]
)
def test_the_quality_is_what_the_kernel_says(kernel: Kernel, state: int, quality: str) -> None:
    kernel.state = state
    assert clock.clock_quality() == quality


def test_the_kernel_is_asked_at_most_every_ten_seconds(kernel: Kernel) -> None:
    kernel.state = 5
    assert clock.clock_quality() == "unsynced"
    kernel.state = 0
    kernel.seconds += 10
    assert clock.clock_quality() == "unsynced"
    kernel.seconds += 0.1
    assert clock.clock_quality() == "synced"
    assert kernel.asked == 2


def test_a_system_without_the_call_is_unknown(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_libc", lambda: None)
    assert clock.clock_quality() == "unknown"
