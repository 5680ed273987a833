"""The server: the protocol `fieldgate.v1` on WebSockets, the HTTP API, the dashboard's files."""

from gateway.server.app import Server
from gateway.server.auth import Authenticator
from gateway.server.fanout import FanOut
from gateway.server.session import Services

__all__ = ["Authenticator", "FanOut", "Server", "Services"]
