"""What the web server does beside pages: its start, its security headers, and one script of its own."""

from __future__ import annotations

import base64
import gc
import hashlib
import importlib
import logging
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import plotly
import streamlit
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lth_engine.core.errors import LotteryError
from pages.ui import lab
from pages.ui.chart import PLOTLY_URL

_log = logging.getLogger(__name__)

LOAD_AFTER_SECONDS = 5.0
"""How long the rest waits for a first page, where nobody opens one."""


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Open the store, wake the supervisor so that dead jobs are noticed, and load what pages need.

    Workers outlive the server, so nothing is stopped at its end.
    """
    lab.start()
    threading.Thread(target=_load_later, name="load pages", daemon=True).start()
    yield


def _load_later() -> None:
    """Leave the processor to the first page, then load what the others need."""
    lab.first_page_drawn.wait(LOAD_AFTER_SECONDS)
    _load()
    try:
        lab.lay_examples()
    except (LotteryError, OSError) as error:
        _log.warning("The store stays without examples: %s", error)


def _load() -> None:
    """Import what pages draw with; then settle memory, so that what stays for good is not looked at by
    every collection."""
    for name in ("pages.ui.first_ticket", "pages.ui.views", "pages.ui.compare",
                 "pages.ui.job_board", "pages.ui.question", "pages.ui.diagnose_pairs", "pages.ui.diagnose_levels",
                 "pages.ui.diagnose_siblings", "pages.ui.diagnose_weights", "pages.ui.diagnose_stability",
                 "pages.ui.diagnose_curvature", "pages.ui.diagnose_landscape", "pages.ui.diagnose_bounds",
                 "pages.ui.upload_page"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def routes() -> list[BaseRoute]:
    """Routes beside Streamlit's own."""
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return [Route(PLOTLY_URL, lambda request: FileResponse(
        script, media_type="text/javascript", headers={"Cache-Control": "public, max-age=86400"}))]


def middleware() -> list[Middleware]:
    """Middleware around all of Streamlit's answers."""
    return [Middleware(SecurityHeaders)]


class SecurityHeaders:
    """Adds headers to every HTTP answer that forbid framing, foreign scripts and foreign connections."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = [(name.encode(), value.encode()) for name, value in {
            "content-security-policy": _policy(),
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: pass on, with headers."""
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                mine = {name for name, _ in self.headers}
                others = [pair for pair in message["headers"] if pair[0].lower() not in mine]
                message = {**message, "headers": [*others, *self.headers]}
            await send(message)
        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def _policy() -> str:
    """The content security policy: all from this server, the page's own inline script by its hash,
    and blob: for what components bring along."""
    scripts = " ".join(f"'sha256-{_hash(text)}'" for text in _inline_scripts())
    return "; ".join([
        "default-src 'self'", f"script-src 'self' blob: {scripts}", "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:", "font-src 'self' data:", "media-src 'self' blob:", "worker-src 'self' blob:",
        "connect-src 'self' data: blob:", "object-src 'none'", "base-uri 'self'", "form-action 'self'",
        "frame-ancestors 'none'",
    ])


def _inline_scripts() -> list[str]:
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    return re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
