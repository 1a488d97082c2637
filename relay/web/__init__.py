"""The centre's HTTP API and page: what a duty officer sees and what programs read."""

from fieldlink.relay.web.app import create_app
from fieldlink.relay.web.service import WebServer
from fieldlink.relay.web.sessions import load_session_key
from fieldlink.relay.web.settings import WebSettings

__all__ = ["WebServer", "WebSettings", "create_app", "load_session_key"]
