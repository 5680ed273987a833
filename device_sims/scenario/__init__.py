"""Scenarios: a file that says which devices there are, and what befalls them when.

devices:
  - {serial: /tmp/greenhouse, board: climate, codec: key_value, rate: 2}
  - {modbus: 127.0.0.1:5020}
script:
  - {at: 10s, device: greenhouse, fault: unplug, for: 5s}
repeat: 60s
"""

from device_sims.scenario.errors import ScenarioError
from device_sims.scenario.play import Play
from device_sims.scenario.sections import Scenario, read_scenario

__all__ = ["Play", "Scenario", "ScenarioError", "read_scenario"]
