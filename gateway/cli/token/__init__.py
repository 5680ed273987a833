"""`fieldgate token`: who may connect."""

from __future__ import annotations

from gateway.cli.console import new_app
from gateway.cli.token.create import create
from gateway.cli.token.jwt import jwt
from gateway.cli.token.listing import list_tokens
from gateway.cli.token.revoke import revoke

app = new_app(help="Make, revoke and list tokens for those who may connect.", no_args_is_help=True)
app.command()(create)
app.command()(jwt)
app.command()(revoke)
app.command("list")(list_tokens)
