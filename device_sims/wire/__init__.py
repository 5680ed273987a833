"""How a board speaks: a framing, a checksum and a codec that go together."""

from __future__ import annotations

from collections.abc import Iterable

from device_sims.kinds import Kind
from device_sims.wire.checksums import CHECKSUMS
from device_sims.wire.codecs import CODECS, Codec, codec_named, default_codec
from device_sims.wire.framings import FRAMINGS, Framing, framing_named
from device_sims.wire.nmea import TALKERS, nmea_framing
from device_sims.wire.struct_codec import Struct

__all__ = ["CHECKSUMS", "CODECS", "FRAMINGS", "Codec", "Framing", "wire_of"]


def wire_of(
    kind: Kind, *, framing: str, checksum: str, codec: str | None, devices: int, header: bool, stamp: bool
) -> tuple[Framing, Codec]:
    """The framing and the codec of a board; `ValueError` for what is unknown or does not go together."""
    codec = codec or default_codec(kind)
    _check("framing", framing, FRAMINGS)
    _check("checksum", checksum, CHECKSUMS)
    _check("codec", codec, CODECS)
    if codec == "struct" and framing == "lines":
        raise ValueError("struct sends any byte, and lines would cut at some: take cobs, slip or another framing")
    if framing == "fixed" and codec != "struct":
        raise ValueError(f"fixed frames have one length, and those of {codec} have many: take struct")
    if codec in ("number", "nmea0183") and devices > 1:
        raise ValueError(f"{codec} names no device: there can be one only")
    if codec == "nmea0183":
        if kind.name not in TALKERS:
            raise ValueError(f"nmea0183 has no sentences for {kind.name}: there are those for {', '.join(TALKERS)}")
        if framing != "lines" or checksum != "none":
            raise ValueError("nmea0183 has a framing and a checksum of its own: leave both out")
    speech = codec_named(codec, kind, shared=devices > 1, header=header, stamp=stamp)
    if codec == "nmea0183":
        return nmea_framing(), speech
    return framing_named(framing, CHECKSUMS[checksum], size=speech.size if isinstance(speech, Struct) else 0), speech


def _check(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise ValueError(f"no {what} is named {name!r}: there are {', '.join(known)}")
