"""The OpenAPI document: the schemas of requests are those that check them, the trace's is its own."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from viper.serve.api_error import KINDS
from viper.serve.requests import AskFields, CheckFields, RunFields
from viper.trace.record import SUMMARY_KEYS
from viper.trace.schema import schema_text

__all__ = ["openapi_document"]

_OBJECT: dict[str, Any] = {"type": "object"}
_PICTURE_JSON = {
    "type": "string",
    "description": "The bytes of a picture file as base64, or a data URI with base64. Addresses are not "
    "fetched.",
}
_PICTURE_FILE = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "A picture file: JPEG, PNG, WEBP, GIF, TIFF or BMP.",
}
_PROBLEMS = {
    "400": "The body or a field cannot be used (`request`).",
    "401": "The token is missing or wrong (`unauthorized`).",
    "403": "The host or the origin is foreign (`forbidden`).",
    "408": "The body did not arrive in time (`slow`).",
    "413": "The body is too large (`too_large`).",
    "415": "The body is of another type (`media_type`).",
    "422": "The picture cannot be decoded or is too large (`input`).",
    "429": "All places are taken; `Retry-After` says when to ask again (`overload`).",
    "500": "A bug of the server; its log has more (`internal`).",
    "503": "The server ends (`shutdown`), the time was over before the request's turn came (`overload`), or "
    "the server lacks what it answers with (`budget`, `config`).",
    "504": "There was no answer in time (`timeout`).",
}
_FAILURE = (
    "An answer. What the program or a model did wrong is here too, as `failure`: it says what a client could "
    "do otherwise."
)


def openapi_document() -> dict[str, Any]:
    """Return the document, as OpenAPI 3.1."""
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
            "/v1/ask": {"post": _answering("ask", "Ask a question about a picture.", "Ask")},
            "/v1/run": {"post": _answering("run", "Run a program on an image.", "Run")},
            "/v1/check": {"post": _checking()},
            "/v1/info": {"get": _got("info", "What the server answers with, and its limits.")},
            "/healthz": {"get": _health()},
            "/metrics": {"get": _text("metrics", "Figures for Prometheus.", "text/plain")},
            "/openapi.json": {"get": _open(_got("openapi", "This document."))},
            "/": {"get": _open(_text("page", "The page.", "text/html"))},
            "/static/{name}": {
                "get": _open(_text("static", "A file of the page.", "application/octet-stream"))
                | {
                    "parameters": [
                        {
                            "name": "name",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "string"},
                        }
                    ]
                }
            },
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Where the server was started with a token.",
                }
            },
            "schemas": _schemas(),
        },
    }


def _answering(name: str, summary: str, kind: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _ref(f"{kind}Form")},
                "application/json": {"schema": _ref(f"{kind}Json")},
            },
        },
        "responses": {
            "200": {
                "description": _FAILURE,
                "content": {
                    "application/json": {"schema": _ref("Answer")},
                    "text/event-stream": {
                        "schema": {
                            "type": "string",
                            "description": "Events `waiting`, `started`, `step` (any number), and at the end "
                            "`answer` (an Answer) or `error` (a Problem).",
                        }
                    },
                },
            },
            **_problems(),
        },
    }


def _checking() -> dict[str, Any]:
    return {
        "operationId": "check",
        "summary": "Check a program without running it.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("CheckJson")}},
        },
        "responses": {
            "200": {
                "description": "What was found; nothing where the program may run.",
                "content": {"application/json": {"schema": _ref("Checked")}},
            },
            **_problems("422", "504"),
        },
    }


def _problems(*without: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for status, text in _PROBLEMS.items():
        if status in without:
            continue
        made[status] = {
            "description": text,
            "content": {"application/json": {"schema": _ref("ApiError")}},
        }
        if status in ("429", "503"):
            made[status]["headers"] = {
                "Retry-After": {
                    "description": "Seconds.",
                    "schema": {"type": "integer", "minimum": 1},
                }
            }
    return made


def _got(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {"application/json": {"schema": _OBJECT}}}
        },
    }


def _health() -> dict[str, Any]:
    made = _open(_got("health", "Whether the server takes requests."))
    made["responses"]["503"] = {
        "description": "It ends.",
        "content": {"application/json": {"schema": _OBJECT}},
    }
    return made


def _text(name: str, summary: str, media_type: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "string"}}}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"description": summary, "content": content}},
    }


def _open(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation that needs no token."""
    return {**operation, "security": []}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for name, kind in (("Ask", AskFields), ("Run", RunFields)):
        fields = kind.model_json_schema()
        for form, picture in (("Json", _PICTURE_JSON), ("Form", _PICTURE_FILE)):
            schemas[name + form] = {
                **fields,
                "title": name + form,
                "properties": {"image": picture, **fields["properties"]},
                "required": ["image", *fields["required"]],
            }
    schemas["CheckJson"] = {**CheckFields.model_json_schema(), "title": "CheckJson"}
    schemas["ApiError"] = _closed(
        request_id={"type": "string"},
        error=_closed(kind={"enum": list(KINDS)}, message={"type": "string"}),
    )
    schemas["Checked"] = _closed(
        source={"type": "string", "description": "The program itself: lines count in it."},
        findings={"type": "array", "items": _ref("Trace_Finding")},
    )
    schemas |= _trace_schemas()
    schemas["Answer"] = _answer()
    return schemas


_TIMES = ("generate", "run", "queue", "model", "total")


def _answer() -> dict[str, Any]:
    """Return the schema of `Trace.summary_json()`, with the request's id and, where asked for, the trace."""
    count = {"type": "integer", "minimum": 0}
    cached = {
        "type": "boolean",
        "description": "The program came from the program cache; no model wrote it.",
    }
    described = _closed(
        request_id={"type": "string"},
        **{key: _trace_key(key) for key in SUMMARY_KEYS},
        image={"type": "string", "description": "Name of the image file."},
        program={
            "type": ["string", "null"],
            "description": "Source of the program that answered, or failed last.",
        },
        attempts=count | {"description": "Programs that were written."},
        notes={
            "type": "array",
            "items": {"type": "string"},
            "description": "How the question was read where that is not plain, and what models report "
            "against their own results on this image.",
        },
        calls=count | {"description": "Calls of models by all programs."},
        cache_hits=count | {"description": "Calls whose results all came from a cache."},
        mean_batch={
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "`requests` per forward, by role; rounded.",
        },
        lookahead=_trace_key("prefetch"),
        timing_ms=_closed(**{name: {"type": "number", "minimum": 0} for name in _TIMES}),
        usage=_ref("Trace_Usage"),
        from_program_cache=cached,
        memo=cached,
        confidence={
            "type": ["number", "null"],
            "description": "Share of the programs that voted for the answer; null without votes.",
        },
    )
    described["description"] = "What `viper ask --json` prints, with the request's id."
    described["properties"]["trace"] = _ref("Trace")
    return described


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
