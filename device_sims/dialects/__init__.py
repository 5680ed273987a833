"""Fleets of devices as people own them: one file a dialect of MQTT."""
