"""Every route and every status is on the page of the HTTP API."""

from aiohttp import web

from gateway.server.http import _STATUS, Api
from tests.docs.markdown import doc

PAGE = doc("http")


def test_every_route_is_listed() -> None:
    api = Api.__new__(Api)
    routes: list[web.RouteDef] = Api.routes(api)
    assert len(routes) >= 6
    for route in routes:
        assert f"`{route.method} {route.path}`" in PAGE.section("The HTTP API"), route.path


def test_every_error_is_told_with_its_status() -> None:
    rows = PAGE.rows("Commands")
    for code, status in _STATUS.items():
        if code != "internal":
            assert rows[str(status)][0] == f"`{code}`"
