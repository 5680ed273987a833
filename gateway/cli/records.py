"""How the log is written: to standard error, one record a line, in text or in JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from gateway.cli.console import plain
from gateway.config.models import LoggingSection


def log_to_stderr(section: LoggingSection) -> None:
    """Sends the log to standard error, as the section says from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine() if section.format == "json" else _TextLine())
    level = logging.getLevelNamesMapping()[section.level.upper()]
    # Libraries tell at `debug` what they send and receive: that is nobody's business here.
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.getLogger("gateway").setLevel(level)


class _TextLine(logging.Formatter):
    """Every record is one line; a traceback follows indented."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record)} {record.levelname.lower()} {record.name}: {plain(_message(record))}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "\n" + "\n".join("    " + plain(part) for part in trace.splitlines())
        return line


class _JsonLine(logging.Formatter):
    """Every record is an object in one line, with its traceback as a text."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        # In ASCII, with everything else escaped: no line ends early, and the terminal's language changes nothing.
        return json.dumps(told, default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # logging would print the place and the arguments instead, on many lines
        return f"{record.msg} (with arguments that do not fit)"
