"""Request middleware: security checks, response headers, error responses, send timeout, access log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from viper.serve.api_error import ApiError, ClientGoneError
from viper.serve.clients import client_of
from viper.serve.json_response import JsonResponse
from viper.serve.security import (
    RESPONSE_HEADERS,
    check_host,
    check_origin,
    check_token,
    is_open,
)
from viper.serve.service import Service

__all__ = ["RequestMiddleware"]

_LOG = logging.getLogger(__name__)
_ACCESS = logging.getLogger("viper.serve.access")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Handed on at once; the timeout of a part begins when the one before it has left.
_PART_BYTES = 65_536
# The largest answers, some 10 MB, take ten minutes at this rate, which any connection has.
_MIN_BYTES_PER_S = 16_384
# Status in log and metrics if the client disconnected before the response began.
_CLIENT_GONE = 499


class RequestMiddleware:
    """Checks requests, completes responses, and writes one log line for each.

    The line contains no question, name or address of a client.

    Args:
        app: Serves requests that pass the checks.
        service: Provides settings and metrics.
        routes: Paths with metrics of their own; all others are counted together.
    """

    def __init__(self, app: ASGIApp, service: Service, routes: Iterable[str]) -> None:
        self._app = app
        self._service = service
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        assert scope["type"] == "http"  # the server has neither lifespan nor websockets
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        sender = _ResponseSender(send, scope, self._service.settings.send_s)
        # All that a request costs on the loop is its client's; what holds a queue slot is left out.
        work = self._logged(scope, receive, sender)
        await self._service.connections.loop_time.metered(client_of(scope["client"]), work)

    async def _logged(self, scope: Scope, receive: Receive, sender: _ResponseSender) -> None:
        started_s = time.perf_counter()
        try:
            await self._serve(scope, receive, sender)
        except ClientGoneError:
            sender.abort()
        finally:
            path, method = scope["path"], scope["method"]
            route = path if path in self._routes else "other"
            method = method if method in _METHODS else "other"
            status = sender.status or _CLIENT_GONE
            self._service.metrics.count_request(route, method, status)
            took_ms = 1000 * (time.perf_counter() - started_s)
            request_id = scope["state"]["request_id"]
            _ACCESS.info("%s %s %s %d %.0f ms", request_id, method, route, status, took_ms)

    async def _serve(self, scope: Scope, receive: Receive, sender: _ResponseSender) -> None:
        request_id = scope["state"]["request_id"]
        settings = self._service.settings
        try:
            headers = Headers(scope=scope)
            if not scope["path"].isprintable():  # "/metrics%0a" would match "/metrics"
                raise ApiError(404, "not_found", "There is no such path.")
            check_host(headers, settings)
            check_origin(scope["method"], headers)
            if not is_open(scope["path"]):
                check_token(headers, settings)
            await self._app(scope, receive, sender)
            return
        except ClientGoneError:
            raise
        except ApiError as caught:
            error = caught
        except Exception:  # a bug must neither end the server nor reveal internals to clients
            _LOG.exception("Request %s failed.", request_id)
            message = f"The server failed; its log has details under {request_id}."
            error = ApiError(500, "internal", message)
        if sender.status is not None:
            # The response has begun: cutting the connection shows that it is incomplete.
            sender.abort()
            return
        body = error.to_json(request_id)
        await JsonResponse(body, error.status, headers=error.headers)(scope, receive, sender)


class _ResponseSender:
    """Sends a response with security headers, in parts, each of which waits until the one before it has left.

    So an unread answer is cut when a part of it is not accepted within `send_s`, and when all its waits
    together are longer than a very slow reader needs.
    """

    def __init__(self, send: Send, scope: Scope, send_s: float) -> None:
        self._send = send
        self._state = scope["state"]
        self._send_s = send_s
        self._sent_bytes = 0
        self._waited_s = 0.0
        self.status: int | None = None
        """Status of the response, once its head is sent."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            defaults = {
                **RESPONSE_HEADERS,
                "cache-control": "no-store",
                "x-request-id": self._state["request_id"],
            }
            headers = {name.encode(): value.encode() for name, value in defaults.items()}
            for name, _ in message["headers"]:
                headers.pop(name, None)
            await self._pass_on({**message, "headers": [*message["headers"], *headers.items()]})
            return
        body = message.get("body", b"")
        for start in range(0, len(body), _PART_BYTES):
            part = body[start : start + _PART_BYTES]
            await self._pass_on({"type": message["type"], "body": part, "more_body": True})
            self._sent_bytes += len(part)
        if not message.get("more_body", False):  # waits for the last part, too
            await self._pass_on({"type": message["type"], "body": b"", "more_body": False})

    async def _pass_on(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        left_s = self._send_s + self._sent_bytes / _MIN_BYTES_PER_S - self._waited_s
        try:
            async with asyncio.timeout(max(0.0, min(self._send_s, left_s))):
                await self._send(message)
        except TimeoutError:
            raise ClientGoneError from None
        finally:
            self._waited_s += loop.time() - started_s

    def abort(self) -> None:
        """Cut the connection; closing it would wait for a client that does not read."""
        abort: Callable[[], None] | None = self._state.get("abort")
        if abort is not None:
            with contextlib.suppress(RuntimeError):
                abort()
