"""What was found on a broker as a configuration file that runs as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gateway.cli.discover.survey import Found
from gateway.detection.topics import Proposal
from gateway.detection.yaml_text import flow, is_sayable, scalar


def stanza(
    id: str,
    connection: Mapping[str, object],
    found: Sequence[Found],
    waiting: Sequence[str],
    proposals: Sequence[Proposal],
) -> str:
    """The file; `connection` are the keys that say how to connect, `waiting` profiles that will find some devices."""
    profiles = Counter(one.profile for one in found)
    told = [f"{count} of {profile}" for profile, count in profiles.items()]
    told += [f"some of {profile}" for profile in waiting]
    topics = sum(len(proposal.topics) for proposal in proposals)
    if topics:
        told.append(f"{topics} topics of no known dialect")
    lines = [f"# Discovered: {', '.join(told)}."]
    if any(point.writable for one in found for point in one.device.described.points.values()):
        lines += [
            "# Actuators are read-only until commands are allowed: for all devices of a profile by writing it as",
            "# {type: NAME, commands: true}, for one by `devices: {ID: {commands: true}}`.",
        ]
    lines += ["adapters:", f"  - id: {scalar(id)}", "    type: mqtt"]
    lines += [f"    {key}: {flow(value)}" for key, value in connection.items()]
    if profiles or waiting:
        lines.append(f"    profiles: {flow([*profiles, *waiting])}")
    if proposals:
        lines.append("    topics:")
        lines += [line for proposal in proposals for line in _section(proposal)]
    lines += [f"# {warning}" for warning in _doubtful(proposals)]
    return "\n".join(lines) + "\n"


def _section(proposal: Proposal) -> Iterator[str]:
    yield f"      - readings: {scalar(proposal.readings)}"
    if proposal.point is not None and is_sayable(proposal.point):
        yield f"        point: {scalar(proposal.point)}"
    yield f"        codec: {proposal.codec}"
    presence = proposal.presence
    if presence is not None:
        words = {"topic": presence.topic, "online": presence.online, "offline": presence.offline}
        yield f"        availability: {flow(words)}"


def _doubtful(proposals: Sequence[Proposal]) -> Iterator[str]:
    """Names of devices that stand below different topics, which may be one device or two."""
    heads: dict[str, set[str]] = {}
    for proposal in proposals:
        for device in proposal.devices:
            heads.setdefault(device, set()).add(proposal.readings.partition("{device}")[0])
    for device, places in heads.items():
        if len(places) > 1:
            shown = " and ".join(f"{place}{device}" for place in sorted(places))
            yield f"{shown} will be one device. If they are not, give one of them an adapter of its own."
