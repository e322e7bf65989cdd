"""What every request passes on its way in, and every response on its way out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from viper.serve.api_error import ApiError, ClientGoneError
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
_GONE = 499
# In log and figures: the client went away before there was anything to say.


class RequestMiddleware:
    """Checks requests, completes responses, and writes one log line for each.

    The line holds no question, name or address of a client.

    Args:
        app: What answers those that pass.
        service: Holds settings and figures.
        routes: The paths that are told apart in the figures; all others are one.
    """

    def __init__(self, app: ASGIApp, service: Service, routes: Iterable[str]) -> None:
        self._app = app
        self._service = service
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        assert scope["type"] == "http"  # the server is set up for nothing else
        began_s = time.perf_counter()
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        outgoing = _Outgoing(send, request_id, self._service.settings.send_s)
        try:
            await self._guarded(scope, receive, outgoing)
        except ClientGoneError:
            outgoing.give_up(scope)
        finally:
            path, method = scope["path"], scope["method"]
            route = path if path in self._routes else "other"
            method = method if method in _METHODS else "other"
            status = outgoing.status or _GONE
            self._service.metrics.served(route, method, status)
            took_ms = 1000 * (time.perf_counter() - began_s)
            _ACCESS.info("%s %s %s %d %.0f ms", request_id, method, route, status, took_ms)

    async def _guarded(self, scope: Scope, receive: Receive, outgoing: _Outgoing) -> None:
        request_id = scope["state"]["request_id"]
        try:
            headers = Headers(scope=scope)
            check_host(headers, self._service.settings)
            check_origin(scope["method"], headers)
            if not is_open(scope["path"]):
                check_token(headers, self._service.settings)
            await self._app(scope, receive, outgoing)
            return
        except ClientGoneError:
            raise
        except ApiError as told:
            problem = told
        except (
            Exception
        ):  # a bug of ours must not end the server, nor tell its insides to strangers
            _LOG.exception("Request %s failed.", request_id)
            message = f"Something went wrong in the server; its log has more under {request_id}."
            problem = ApiError(500, "internal", message)
        if outgoing.status is not None:
            # The head is out: what can still be told is that the response is not whole.
            outgoing.give_up(scope)
            return
        body = problem.to_json(request_id)
        await JSONResponse(body, problem.status, headers=problem.headers)(scope, receive, outgoing)


class _Outgoing:
    """Sends, with our headers, and not for ever."""

    def __init__(self, send: Send, request_id: str, send_s: float) -> None:
        self._send = send
        self._request_id = request_id
        self._send_s = send_s
        self.status: int | None = None
        """Of the response, once its head is out."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = {name for name, _ in message["headers"]}
            more = {
                **RESPONSE_HEADERS,
                "cache-control": "no-store",
                "x-request-id": self._request_id,
            }
            added = [
                (name.encode(), value.encode())
                for name, value in more.items()
                if name.encode() not in sent
            ]
            message = {**message, "headers": [*message["headers"], *added]}
        try:
            async with asyncio.timeout(self._send_s):
                await self._send(message)
        except TimeoutError:
            raise ClientGoneError from None

    def give_up(self, scope: Scope) -> None:
        """Cut the connection; closing it would wait for a client that takes nothing."""
        abort: Callable[[], None] | None = scope["state"].get("abort")
        if abort is not None:
            with contextlib.suppress(RuntimeError):
                abort()
