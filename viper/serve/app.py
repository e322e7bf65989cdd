"""The routes of the HTTP API."""

from __future__ import annotations

import json

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from viper.serve.admission import QueueSlot
from viper.serve.api_error import ApiError
from viper.serve.clients import client_of
from viper.serve.events import EventStream, accepts_events, stream_answer
from viper.serve.json_response import JsonResponse
from viper.serve.loop_time import NOBODY
from viper.serve.metrics import CONTENT_TYPE_LATEST
from viper.serve.middleware import RequestMiddleware
from viper.serve.openapi import openapi_document
from viper.serve.redaction import redact_reference
from viper.serve.requests import AskFields, RunFields, read_check, read_query
from viper.serve.service import Service, answer_json, until_disconnect
from viper.serve.static_files import STATIC_FILES, static_response

__all__ = ["ROUTES", "create_app"]

ROUTES = (
    "/",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/v1/ask",
    "/v1/check",
    "/v1/examples",
    "/v1/info",
    "/v1/run",
    *(f"/static/{name}" for name in STATIC_FILES),
)
"""All paths; a test compares them with the OpenAPI document."""


def create_app(service: Service, *, sandbox: str) -> ASGIApp:
    """Return the ASGI application of a server.

    Args:
        service: Answers the requests.
        sandbox: The measured sandbox level.
    """
    # Made once: these paths are open, and a client may ask for them as often as it likes.
    document = json.dumps(openapi_document(), ensure_ascii=False).encode()

    async def page(_: Request) -> Response:
        return static_response("index.html")

    async def static(request: Request) -> Response:
        return static_response(request.path_params["name"])

    async def health(_: Request) -> Response:
        stuck = [model for model in service.engine.health() if model.stuck]
        draining = service.admission.draining
        body: dict[str, object] = {
            "status": "draining" if draining else "degraded" if stuck else "ok",
            "sandbox": sandbox,
        }
        if stuck:  # without names of models: this path needs no token
            body["stuck"] = [
                {
                    "role": model.role,
                    "replicas": model.replicas,
                    "stuck": model.stuck,
                    "for_s": round(model.stuck_s),
                }
                for model in stuck
            ]
        return JsonResponse(body, 503 if draining else 200)

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def openapi(_: Request) -> Response:
        return Response(document, media_type="application/json")

    async def info(_: Request) -> Response:
        return JsonResponse(_info(service, sandbox))

    async def examples(_: Request) -> Response:
        return JsonResponse(await service.examples.to_json())

    routes = [
        Route("/", page),
        Route("/static/{name}", static),
        Route("/healthz", health),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/v1/info", info),
        Route("/v1/examples", examples),
        Route("/v1/check", _CheckRoute(service), methods=["POST"]),
        Route("/v1/ask", _AnswerRoute(service, AskFields), methods=["POST"]),
        Route("/v1/run", _AnswerRoute(service, RunFields), methods=["POST"]),
    ]
    router = Router(routes, redirect_slashes=False, default=_not_found)
    return RequestMiddleware(_with_api_errors(router), service, ROUTES)


class _CheckRoute:
    """`/v1/check`: what is wrong with a program."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service, headers, client = self._service, Headers(scope=scope), client_of(scope["client"])
        async with service.admission.queue_slot(client) as slot:
            fields = await service.connections.loop_time.read(
                client,
                receive,
                lambda paced: read_check(
                    paced,
                    headers,
                    service.settings,
                    lambda parse: service.threads.run(client, parse, when_paid=True),
                ),
            )
            work = service.check(slot, fields.program, write=JsonResponse)
            response = await until_disconnect(work, receive)
            await _send_from_slot(response, slot, scope, receive, send)


class _AnswerRoute:
    """`/v1/ask` and `/v1/run`: an answer as one JSON object, or as events."""

    def __init__(self, service: Service, kind: type[AskFields]) -> None:
        self._service = service
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self._service
        request_id: str = scope["state"]["request_id"]
        stream = EventStream(send, request_id)
        client = client_of(scope["client"])
        try:
            async with service.admission.queue_slot(client) as slot:
                work = self._answer(slot, scope, receive, stream)
                response = await service.connections.loop_time.metered(NOBODY, work)
                if response is not None:
                    await _send_from_slot(response, slot, scope, receive, send)
        except ApiError as error:
            if not stream.has_begun:
                raise
            await stream.end("error", error.to_json(request_id))

    async def _answer(
        self, slot: QueueSlot, scope: Scope, receive: Receive, stream: EventStream
    ) -> Response | None:
        """Return the response, None if it was streamed."""
        service, headers, request_id = self._service, Headers(scope=scope), stream.request_id
        request = await service.connections.loop_time.read(
            slot.client,
            receive,
            lambda paced: read_query(
                paced,
                headers,
                service.settings,
                self._kind,
                lambda parse: service.threads.run(slot.client, parse, when_paid=True),
            ),
        )
        if request.fields.stream or accepts_events(headers.get("accept", "")):
            await stream_answer(service, slot, request, stream, receive)
            return None
        trace = request.fields.trace
        work = service.answer(
            slot,
            request,
            write=lambda answer: JsonResponse(
                answer_json(answer, request_id, trace=trace, places=service.places)
            ),
        )
        return await until_disconnect(work, receive)


async def _send_from_slot(
    response: Response, slot: QueueSlot, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a response while the slot of its request is held: so there are as many unread ones as slots."""
    slot.is_answered = True
    await response(scope, receive, send)


def _with_api_errors(router: Router) -> ASGIApp:
    """Return an application that reports a wrong method as an API error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = router  # makes Starlette raise an exception
        try:
            await router(scope, receive, send)
        except HTTPException as error:
            allowed = dict(error.headers or {})
            methods = " or ".join(sorted(set(allowed.get("Allow", "").split(", ")) - {"HEAD"}))
            message = f"This path accepts {methods} only." if methods else error.detail
            raise ApiError(error.status_code, "method", message, headers=allowed) from None

    return app


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    raise ApiError(404, "not_found", "There is no such path. /openapi.json lists all paths.")


def _info(service: Service, sandbox: str) -> dict[str, object]:
    from importlib.metadata import version

    engine, settings = service.engine, service.settings
    return {
        "version": version("viper-vision"),
        "sandbox": sandbox,
        "generator": redact_reference(engine.config.generator),
        "best_effort": engine.config.best_effort,
        "models": {
            role: redact_reference(str(ref)) for role, ref in engine.config.backends.items()
        },
        "limits": {
            "timeout_s": settings.timeout_s,
            "upload_bytes": settings.max_upload_bytes,
            "pixels": settings.max_pixels,
            "concurrency": settings.concurrency,
            "queue": settings.queue,
        },
    }
