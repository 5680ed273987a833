"""What a process has used so far, as the kernel knows it (Linux)."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

_CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED, in the low bits of a clock's number (include/linux/posix-timers.h)


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads, those that ended included; in nanosecond steps."""
    return time.clock_gettime((~pid << 3) | _CPU_OF_PROCESS)


def rss_bytes(pid: int) -> int:
    """Memory that it holds in RAM now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")


def unsent_bytes(far_ports: Collection[int]) -> int:
    """What this machine's kernel holds unsent or unacknowledged towards these ports of it (proc_net_tcp.rst)."""
    unsent = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, _, queues, *_ = line.split()
        if int(remote.partition(":")[2], 16) in far_ports:
            unsent += int(queues.partition(":")[0], 16)
    return unsent
