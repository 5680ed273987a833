"""The WebSocket protocol (RFC 6455) as the gateway speaks it."""
