"""Home Assistant's MQTT discovery (home-assistant.io/integrations/mqtt): devices that describe themselves in JSON."""

from gateway.profiles.homeassistant.profile import HomeassistantOptions, HomeassistantProfile

__all__ = ["HomeassistantOptions", "HomeassistantProfile"]
