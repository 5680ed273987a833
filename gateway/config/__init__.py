"""The configuration file: strict models, and a loader that names file, line and column of every problem."""

from gateway.config.load import load, parse
from gateway.config.models import AdapterOptions, Config

__all__ = ["AdapterOptions", "Config", "load", "parse"]
