"""Listens, and ends without losing what it has taken on.

SIGTERM and Ctrl-C drain: no new connection is accepted, no new request let in, what has a place is
answered for as long as the grace time lasts, and what is left then is told so. The second signal ends the
grace time. Either way the process ends with status 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from viper.errors import ConfigError
from viper.serve.admission import Admission
from viper.serve.settings import ServerSettings

__all__ = ["Server", "configured", "listen", "serve", "url_of"]

_HEAD_BYTES = 16_384
# Most of the head of a request; browsers send one or two thousand.
_FAREWELL_S = 5.0
# After the grace time, for the last words of what was interrupted.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(settings: ServerSettings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"The server cannot listen on {settings.host!r}, port {settings.port}: "
            f"{error.strerror or error}. Choose another with --host and --port (0: any free port)."
        ) from error
    return made


def url_of(listening: socket.socket, settings: ServerSettings) -> str:
    """Return the address for a browser on this machine."""
    host = settings.host
    if host in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def serve(
    app: ASGIApp,
    settings: ServerSettings,
    admission: Admission,
    listening: socket.socket,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal comes, then drain.

    Args:
        app: What `create_app` gave.
        settings: The limits.
        admission: The application's, which is told to drain.
        listening: What `listen` gave; closed at the end.
        on_ready: Called when connections are accepted.
    """
    server = Server(configured(app, settings), settings, admission, on_ready)
    asyncio.run(server.serve(sockets=[listening]))


def configured(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
    """Return how uvicorn is to serve an application."""
    return uvicorn.Config(
        app,
        http=_Guarded.with_head_s(settings.head_s),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=64 + 4 * (settings.concurrency + settings.queue),
        timeout_keep_alive=max(1, int(settings.head_s)),
        timeout_graceful_shutdown=int(settings.grace_s + 2 * _FAREWELL_S) + 1,
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )


class Server(uvicorn.Server):
    """A uvicorn that drains on a signal and then returns, where uvicorn would kill itself."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: ServerSettings,
        admission: Admission,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._grace_s = settings.grace_s
        self._admission = admission
        self._on_ready = on_ready
        self._ending: asyncio.TimerHandle | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; the second time, end at once."""
        if self.should_exit:
            self._end()
            return
        self.should_exit = True
        self._admission.drain()
        self._ending = asyncio.get_running_loop().call_later(self._grace_s, self._end)

    def _end(self) -> None:
        """Interrupt what runs; who then still sends or takes nothing is cut off a little later."""
        self._admission.interrupt()
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(_FAREWELL_S, self._cut)

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals on the loop, where no other code is in the middle of something."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
            if self._ending is not None:
                self._ending.cancel()


class _Guarded(H11Protocol):
    """Closes connections whose request does not come: uvicorn waits for the first one for ever.

    From the beginning of a connection, and from the end of each response, to the next whole head there is
    one clock, however many bytes arrive meanwhile.
    """

    head_s = 10.0

    @classmethod
    def with_head_s(cls, head_s: float) -> type[_Guarded]:
        return type(cls.__name__, (cls,), {"head_s": head_s})

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Each request's scope gets a copy of it.
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_busy:
            self._stop()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # which may begin with the next request
        if not self._is_busy:
            self._wait_for_request()

    @property
    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_request(self) -> None:
        self._stop()
        self._clock = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
