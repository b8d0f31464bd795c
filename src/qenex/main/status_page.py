"""The status page on loopback: what the bank is, whether it works, and the public log. No secret, no personal data.

/            a page for people          /checkpoint   the latest signed checkpoint (C2SP tlog-tiles)
/livez       the process answers        /tile/...     tiles of the log
/readyz      the bank can book          /keys         the log's public keys, one vkey line each
"""

from __future__ import annotations

import html
import socket
import threading
import time
from typing import Any

from qenex import __version__
from qenex.chain import format_key_file
from qenex.products.bank import Bank
from qenex.products.business_day import date_of

TILE_CACHE = "public, max-age=31536000, immutable"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}}
.demo{{background:#b00020;color:#fff;padding:.4rem .8rem;border-radius:.3rem;font-weight:600;display:inline-block}}
th{{text-align:left;font-weight:500;padding:.2rem 2rem .2rem 0;vertical-align:top;color:#555}}td{{overflow-wrap:anywhere}}
a{{color:#0b57d0}}@media(prefers-color-scheme:dark){{body{{color:#eee;background:#111}}th{{color:#aaa}}a{{color:#8ab4f8}}}}
</style></head><body>{demo}<h1>{name}</h1><table>{rows}</table>
<p><a href="/checkpoint">latest checkpoint</a> · <a href="/keys">public keys</a> · <a href="/readyz">readiness</a></p>
<p>Verify any receipt without asking this bank: <code>qenex verify receipt.json --key bank.vkey</code></p></body></html>
"""


class StatusPage:
    """Runs uvicorn in a thread on sockets that are bound already."""

    def __init__(self, bank: Bank, sockets: list[socket.socket], *, started: float) -> None:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route

        self._bank, self._sockets, self._started = bank, sockets, started
        self.port: int = sockets[0].getsockname()[1]
        routes = [
            Route("/", self._page),
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/checkpoint", self._checkpoint),
            Route("/keys", self._keys),
            Route("/tile/{path:path}", self._tile),
        ]
        configuration = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", access_log=False, lifespan="off", server_header=False
        )
        self._server = uvicorn.Server(configuration)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._run, name="status page", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        for each in self._sockets:
            each.close()

    def facts(self) -> dict[str, str]:
        """What the page and the dashboard show."""
        bank = self._bank
        checkpoint = bank.books.latest_checkpoint()
        size = checkpoint.decode().split("\n", 2)[1] if checkpoint else "0"
        days, rest = divmod(int(time.time() - self._started), 86400)
        return {
            "bank": bank.settings.name + (" (DEMO)" if bank.settings.demo else ""),
            "BIC": bank.settings.bic,
            "business date": date_of(bank.open_day).isoformat(),
            "journal batches": f"{bank.books.last_batch:,}",
            "signed entries": f"{int(size):,}",
            "log": bank.signers.origin,
            "running for": f"{days} days {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}",
            "version": __version__,
        }

    async def _page(self, _request: Any) -> Any:
        from starlette.responses import HTMLResponse

        facts = self.facts()
        demo = '<p class="demo">DEMO: everybody and everything here is invented</p>' if self._bank.settings.demo else ""
        rows = "".join(f"<tr><th>{html.escape(name)}<td>{html.escape(value)}" for name, value in facts.items())
        name = html.escape(self._bank.settings.name)
        title = f"DEMO {name}" if demo else name
        return HTMLResponse(PAGE.format(title=title, demo=demo, name=name, rows=rows), headers=HEADERS)

    async def _livez(self, _request: Any) -> Any:
        return _text("ok\n")

    async def _readyz(self, _request: Any) -> Any:
        """200 when a read of books and store works; 503 with the name of what does not."""
        from starlette.concurrency import run_in_threadpool

        failed = await run_in_threadpool(self._failing)
        return _text(f"not ready: {failed}\n" if failed else "ready\n", 503 if failed else 200)

    def _failing(self) -> str:
        try:
            self._bank.books.lookup_accounts([1])
        except Exception as error:
            return f"books ({type(error).__name__})"
        try:
            self._bank.store.setting("settings")
        except Exception as error:
            return f"store ({type(error).__name__})"
        return ""

    async def _checkpoint(self, _request: Any) -> Any:
        note = self._bank.books.latest_checkpoint()
        return _text("no checkpoint is signed yet\n", 404) if note is None else _text(note.decode())

    async def _keys(self, _request: Any) -> Any:
        return _text(format_key_file(self._bank.signers.verifier_keys))

    async def _tile(self, request: Any) -> Any:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response

        data = await run_in_threadpool(self._bank.books.tile, "tile/" + request.path_params["path"])
        if data is None:
            return _text("no such tile\n", 404)
        headers = HEADERS | {"Cache-Control": TILE_CACHE}
        return Response(data, media_type="application/octet-stream", headers=headers)


def _text(text: str, status: int = 200) -> Any:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(text, status_code=status, headers=HEADERS)
