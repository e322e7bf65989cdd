"""The server process: listens, and shuts down gracefully.

SIGTERM and Ctrl-C drain: no new connections, no new requests; admitted requests are answered within the
grace period, and the remaining ones then get an error. A second signal ends the grace period, and a third one
cuts what is still open. Either way the process exits with status 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from viper.errors import ConfigError
from viper.serve.acceptor import Acceptor
from viper.serve.admission import Admission
from viper.serve.connections import Connections
from viper.serve.paced_protocol import PacedProtocol
from viper.serve.settings import ServerSettings
from viper.serve.strict_http import MAX_HEAD_BYTES

__all__ = ["Server", "listen", "url_of"]

# After the grace period, for sending errors to interrupted requests, and the rest of answers.
_ERRORS_S = 2.0
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
        self._protocol: type[PacedProtocol] = type("_Protocol", (PacedProtocol,), options)
        super().__init__(
            uvicorn.Config(
                app,
                http=self._protocol,
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
        self._connections = connections
        self._admission = admission
        self._on_ready = on_ready
        self._on_late_signal: Callable[[], object] | None = None

    def run_until_signal(
        self, listening: socket.socket, on_late_signal: Callable[[], object] | None = None
    ) -> None:
        """Serve on a socket from `listen` until a signal arrives, then drain; closes the socket.

        Args:
            listening: The socket.
            on_late_signal: Called by signals that arrive after this has returned; None for what they did
                before.
        """
        self._on_late_signal = on_late_signal
        asyncio.run(self.serve(sockets=[listening]))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and call `on_ready`."""
        await super().startup([])
        self._acceptors = [
            Acceptor(listening, self._make_protocol, self._connections)
            for listening in sockets or ()
        ]
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and wait until those that are open have ended."""
        for acceptor in self._acceptors:
            acceptor.close()
        await super().shutdown(sockets)

    def _make_protocol(self) -> PacedProtocol:
        loop = asyncio.get_running_loop()
        return self._protocol(self.config, self.server_state, self.lifespan.state, loop)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start draining; the second time, end the grace period; after that, cut what is open."""
        if self._admission.is_interrupted:
            self._abort_connections()
            return
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
            # Blocked meanwhile: a signal between the two handlers would end the process with another status.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
                if (late := self._on_late_signal) is not None:
                    signal.signal(number, lambda *_, late=late: late())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
