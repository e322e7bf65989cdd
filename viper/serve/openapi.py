"""The OpenAPI document, with the schemas that validate requests and the published schema of traces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from viper.serve.api_error import KINDS
from viper.serve.requests import AskFields, CheckFields, RunFields
from viper.trace.record import SUMMARY_KEYS
from viper.trace.schema import schema_text

__all__ = ["openapi_document"]

_JSON = "application/json"
_OBJECT = {"type": "object"}
_TEXT = {"type": "string"}
_IMAGES = {
    "Json": {
        **_TEXT,
        "description": "The bytes of an image file as base64, or a data URI with base64. Addresses are not "
        "fetched.",
    },
    "Form": {
        **_TEXT,
        "contentMediaType": "application/octet-stream",
        "description": "An image file: JPEG, PNG, WEBP, GIF, TIFF or BMP.",
    },
}
_ERRORS = {
    "400": "The body or a field cannot be used (`request`).",
    "401": "The token is missing or wrong (`unauthorized`).",
    "403": "The host or the origin is not allowed (`forbidden`).",
    "408": "The body did not arrive in time (`slow`).",
    "413": "The body is too large (`too_large`).",
    "415": "The body is of another type (`media_type`).",
    "422": "The image cannot be decoded or is too large (`input`).",
    "429": "The queue is full, or another client needed the place; `Retry-After` says when to try again "
    "(`overload`).",
    "500": "A bug of the server; its log has details (`internal`).",
    "503": "The server is shutting down (`shutdown`), the request timed out in the queue (`overload`), or "
    "the server has no budget or no usable model (`budget`, `config`).",
    "504": "There was no answer in time (`timeout`).",
}
_ANSWERED = (
    "An answer, or why there is none: `outcome` says which. A failure of the program or of a model is "
    "reported here too, as `failure`, which says what a client could change; so are `absent` (something that "
    "the question takes for granted was not found) and `unsure`. With `best_effort`, an answer may carry "
    "`doubts`."
)
_EVENTS = (
    "Events `waiting`, `started`, `step` (any number), and at the end `answer` (an Answer) or `error` (an "
    "ApiError)."
)


def openapi_document() -> dict[str, Any]:
    """Return the document, as OpenAPI 3.1."""
    summary = "Whether the server accepts requests; `degraded` while a model does not come back."
    health = _get("health", summary, is_open=True)
    health["responses"]["503"] = _response("It is shutting down.", {_JSON: _OBJECT})
    page = _get("page", "The page.", {"text/html": _TEXT}, is_open=True)
    file = {"application/octet-stream": _TEXT}
    static = _get("static", "A file of the page.", file, is_open=True)
    static["parameters"] = [{"name": "name", "in": "path", "required": True, "schema": _TEXT}]
    metrics = _get("metrics", "Metrics for Prometheus.", {"text/plain": _TEXT})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Viper",
            "version": version("viper-vision"),
            "description": "Answers questions about images by writing small programs, and shows every step.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"token": []}],
        "paths": {
            "/v1/ask": {"post": _answering("ask", "Ask a question about an image.", "Ask")},
            "/v1/run": {"post": _answering("run", "Run a program on an image.", "Run")},
            "/v1/check": {"post": _checking()},
            "/v1/info": {"get": _get("info", "The models of the server, and its limits.")},
            "/v1/examples": {"get": _examples()},
            "/healthz": {"get": health},
            "/metrics": {"get": metrics},
            "/openapi.json": {"get": _get("openapi", "This document.", is_open=True)},
            "/": {"get": page},
            "/static/{name}": {"get": static},
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Required if the server was started with a token.",
                }
            },
            "schemas": _schemas(),
        },
    }


def _answering(name: str, summary: str, kind: str) -> dict[str, Any]:
    body = {"multipart/form-data": _ref(f"{kind}Form"), _JSON: _ref(f"{kind}Json")}
    events = _TEXT | {"description": _EVENTS}
    answer = _response(_ANSWERED, {_JSON: _ref("Answer"), "text/event-stream": events})
    return _post(name, summary, body, answer)


def _checking() -> dict[str, Any]:
    checked = _response("The findings; none if the program may run.", {_JSON: _ref("Checked")})
    body = {_JSON: _ref("CheckJson")}
    operation = _post("check", "Check a program without running it.", body, checked)
    for status in ("422", "504"):
        del operation["responses"][status]
    return operation


def _examples() -> dict[str, Any]:
    summary = (
        "Questions that the models of the server can answer; the first request loads the detector."
    )
    question = {
        "type": ["string", "null"],
        "description": "About any picture; null if there is none.",
    }
    picture = {
        **_closed(file=_TEXT, question=_TEXT),
        "type": ["object", "null"],
        "description": "A picture at `/static/{file}` with a question about it; null if the models do not "
        "know what it shows.",
    }
    found = {_JSON: _closed(question=question, picture=picture)}
    operation = _get("examples", summary, found)
    operation["responses"]["503"] = _response(_ERRORS["503"], {_JSON: _ref("ApiError")})
    return operation


def _post(name: str, summary: str, body: Mapping[str, Any], success: Any) -> dict[str, Any]:
    errors = {
        status: _response(text, {_JSON: _ref("ApiError")}) for status, text in _ERRORS.items()
    }
    seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
    for status in ("429", "503"):
        errors[status]["headers"] = {"Retry-After": seconds}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": _content(body)},
        "responses": {"200": success, **errors},
    }


def _get(
    name: str,
    summary: str,
    content: Mapping[str, Any] = {_JSON: _OBJECT},
    *,
    is_open: bool = False,
) -> dict[str, Any]:
    """Return an operation without a body; `is_open` if it needs no token."""
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _response(summary, content)},
        **({"security": []} if is_open else {}),
    }


def _response(description: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": _content(content)}


def _content(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return media type → schema as OpenAPI writes it."""
    return {media_type: {"schema": schema} for media_type, schema in schemas.items()}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for name, kind in (("Ask", AskFields), ("Run", RunFields)):
        fields = kind.model_json_schema()
        for form, image in _IMAGES.items():
            schemas[name + form] = {
                **fields,
                "title": name + form,
                "properties": {"image": image, **fields["properties"]},
                "required": ["image", *fields["required"]],
            }
    schemas["CheckJson"] = {**CheckFields.model_json_schema(), "title": "CheckJson"}
    schemas["ApiError"] = _closed(
        request_id=_TEXT,
        error=_closed(kind={"enum": list(KINDS)}, message=_TEXT),
    )
    schemas["Checked"] = _closed(
        source=_TEXT | {"description": "The program; line numbers refer to it."},
        findings={"type": "array", "items": _ref("Trace_Finding")},
    )
    return schemas | _trace_schemas() | {"Answer": _answer()}


def _answer() -> dict[str, Any]:
    """Return the schema of `Trace.summary_json()`, with the request's id and the optional trace."""
    count = {"type": "integer", "minimum": 0}
    cached = {
        "type": "boolean",
        "description": "The program came from the program cache; no model wrote it.",
    }
    times = ("generate", "run", "queue", "model", "total")
    described = _closed(
        request_id=_TEXT,
        **{key: _trace_key(key) for key in SUMMARY_KEYS},
        image=_TEXT | {"description": "Name of the image file."},
        program={
            "type": ["string", "null"],
            "description": "Source of the program that answered, or failed last.",
        },
        attempts=count | {"description": "Programs that were written."},
        notes={
            "type": "array",
            "items": _TEXT,
            "description": "How unclear words of the question were interpreted, and what models report "
            "against their own results on this image.",
        },
        calls=count | {"description": "Calls of models by all programs."},
        cache_hits=count | {"description": "Calls whose results all came from a cache."},
        mean_batch={
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "`requests` per forward, by role; rounded.",
        },
        timing_ms=_closed(**{name: {"type": "number", "minimum": 0} for name in times}),
        usage=_ref("Trace_Usage"),
        from_program_cache=cached,
        confidence={
            "type": ["number", "null"],
            "description": "Share of the programs that voted for the answer; null without votes.",
        },
        how={
            "enum": ["program", "direct", None],
            "description": "`direct`: one model's word about the whole image, checked by nothing else; null "
            "without an answer.",
        },
        weakest=_weakest(),
        # The names in version 0.1.
        **{"lookahead": _trace_key("prefetch"), "memo": cached},
    )
    described["description"] = "What `viper ask --json` prints, with the request's id."
    described["properties"]["trace"] = _ref("Trace")
    return described


def _weakest() -> dict[str, Any]:
    call = "Trace_CallRecord/properties"
    keys = "line method box_xyxy arguments result score threshold".split()
    return {
        **_closed(**{key: _ref(f"{call}/{key}") for key in keys}),
        "type": ["object", "null"],
        "description": "The call whose score was nearest to its threshold: what the answer hangs on most. "
        "Null where no score had a threshold.",
    }


def _trace_key(key: str) -> dict[str, str]:
    return _ref(f"Trace/properties/{key}")


def _trace_schemas() -> dict[str, Any]:
    """Return the published schema of traces and its parts, as components."""
    schema = json.loads(schema_text().replace('"#/$defs/', '"#/components/schemas/Trace_'))
    parts = schema.pop("$defs")
    del schema["$schema"]
    return {"Trace": schema, **{f"Trace_{name}": part for name, part in parts.items()}}


def _closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
