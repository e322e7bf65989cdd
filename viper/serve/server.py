"""The server process: listens, and shuts down gracefully.

SIGTERM and Ctrl-C drain: no new connections, no new requests; admitted requests are answered within the
grace period, and the remaining ones then get an error. A second signal ends the grace period. Either way
the process exits with status 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from viper.errors import ConfigError
from viper.serve.admission import Admission
from viper.serve.clients import client_of
from viper.serve.connections import Connections
from viper.serve.settings import ServerSettings
from viper.serve.strict_http import MAX_HEAD_BYTES, StrictProtocol

__all__ = ["Server", "listen", "url_of"]

# Parsed at once: in chunks of one byte, it takes some 50 ms.
_SLICE_BYTES = 16_384
# After the grace period, for sending errors to interrupted requests.
_ERRORS_S = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(settings: ServerSettings) -> socket.socket:
    """Return a socket bound to the address in the settings.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
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
            f"{error.strerror or error}. Choose another address with --host and --port (0: any free port)."
        ) from error
    return made


def url_of(listening: socket.socket, settings: ServerSettings) -> str:
    """Return the URL for a browser on this machine."""
    host = settings.host
    if host in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


class Server(uvicorn.Server):
    """A uvicorn server that drains on a signal and then returns; uvicorn would raise the signal again.

    Args:
        app: The application from `create_app`.
        settings: The limits.
        admission: The admission control of the application.
        on_ready: Called when connections are accepted.
        connections: Counts and limits the connections.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        admission: Admission,
        on_ready: Callable[[], None],
        connections: Connections | None = None,
    ) -> None:
        places = settings.concurrency + settings.queue
        connections = Connections(places) if connections is None else connections
        options = {"head_s": settings.head_s, "open_connections": connections}
        super().__init__(
            uvicorn.Config(
                app,
                http=type("_Protocol", (HeadTimeoutProtocol,), options),
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                # `connections` and `admission` are the limits: at uvicorn's own, every client gets 503.
                limit_concurrency=None,
                timeout_keep_alive=max(1, int(settings.head_s)),
                timeout_graceful_shutdown=int(settings.grace_s + 2 * _ERRORS_S) + 1,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            )
        )
        self._grace_s = settings.grace_s
        self._admission = admission
        self._on_ready = on_ready

    def run_until_signal(self, listening: socket.socket) -> None:
        """Serve on a socket from `listen` until a signal arrives, then drain; closes the socket."""
        asyncio.run(self.serve(sockets=[listening]))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and call `on_ready`."""
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start draining; the second time, end the grace period."""
        if self.should_exit:
            self._interrupt()
            return
        self.should_exit = True
        self._admission.drain()
        asyncio.get_running_loop().call_later(self._grace_s, self._interrupt)

    def _interrupt(self) -> None:
        """Interrupt running requests; connections that are still open a little later are cut."""
        self._admission.interrupt()
        asyncio.get_running_loop().call_later(_ERRORS_S, self._abort_connections)

    def _abort_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals in the event loop, between other callbacks."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


class HeadTimeoutProtocol(StrictProtocol):
    """An HTTP/1.1 protocol with a timeout for the head of a request, and with fair use of the loop.

    uvicorn waits forever for the first head, and parses all that has arrived at once. Here one timer runs
    from the start of a connection, and from the end of each response, until the next request head is
    complete, no matter how many bytes arrive; and a client that has used its share of the loop waits.
    """

    head_s = 10.0
    open_connections = Connections(0)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._unread = bytearray()
        self._waits = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self.open_connections.open(self, self.client):
            transport.abort()
            return
        # Each request's scope gets a copy of it.
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.close(self, self.client)
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._waits:
            self.transport.pause_reading()  # uvicorn has resumed it for reasons of its own
        else:
            self._read_on()

    def _read_on(self) -> None:
        """Parse what has arrived, in slices, until the client has used its share of the loop."""
        self._waits = False
        client = client_of(self.client)
        while self._unread and not self.transport.is_closing():
            wait_s = self.open_connections.loop_time.wait_s(client)
            if wait_s:
                self._waits = True
                self.transport.pause_reading()
                self.loop.call_later(wait_s, self._resume)
                break
            part = bytes(self._unread[:_SLICE_BYTES])
            del self._unread[:_SLICE_BYTES]
            started_s = time.thread_time()
            super().data_received(part)
            self.open_connections.loop_time.charge(client, time.thread_time() - started_s)
        if self.is_busy:
            self._stop_timer()

    def _resume(self) -> None:
        if not self.transport.is_closing():
            if not self.flow.read_paused:
                self.transport.resume_reading()
            self._read_on()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # may start the next request
        if not self.is_busy:
            self._restart_timer()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _restart_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
