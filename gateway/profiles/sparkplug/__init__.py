"""Sparkplug B (sparkplug.eclipse.org, specification 3.0): edge nodes and devices that describe themselves in births."""

from gateway.profiles.sparkplug.profile import SparkplugOptions, SparkplugProfile

__all__ = ["SparkplugOptions", "SparkplugProfile"]
