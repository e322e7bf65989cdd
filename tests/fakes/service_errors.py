"""Errors of services that call themselves OpenAI-compatible, in the words and the JSON of each."""

from __future__ import annotations


def openai_error(message, **more):
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


# Service → status and body with which it refuses a parameter it does not know. {} stands for its name.
UNKNOWN_PARAMETER = {
    "OpenAI, reasoning": (
        400,
        openai_error(
            "Unsupported parameter: '{}' is not supported with this model.",
            param="{}",
            code="unsupported_parameter",
        ),
    ),
    "OpenAI, unknown": (
        400,
        openai_error("Unknown parameter: '{}'.", param="{}", code="unknown_parameter"),
    ),
    "Azure, older": (
        400,
        openai_error("Unrecognized request argument supplied: {}", param=None, code=None),
    ),
    "Azure, of a schema": (
        400,
        openai_error(
            "Additional properties are not allowed ('{}' was unexpected) - '{}'", code="BadRequest"
        ),
    ),
    "Azure, other models": (
        422,
        {
            "error": {
                "code": "Invalid input",
                "status": 422,
                "message": "invalid input error",
                "details": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "{}"],
                        "msg": "Extra inputs are not permitted",
                        "input": 1,
                    }
                ],
            }
        },
    ),
    "vLLM": (
        400,
        {
            "object": "error",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', '{}'), 'msg': 'Extra inputs are not "
            "permitted', "
            "'input': 1}]",
        },
    ),
    "llama.cpp": (
        400,
        {
            "error": {
                "code": 400,
                "message": "Unsupported param: {}",
                "type": "invalid_request_error",
            }
        },
    ),
    "Mistral": (
        422,
        {
            "object": "error",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
            "message": {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "{}"],
                        "msg": "Extra inputs are not permitted",
                    }
                ]
            },
        },
    ),
    "FastAPI, older": (
        422,
        {
            "detail": [
                {
                    "loc": ["body", "{}"],
                    "msg": "extra fields not permitted",
                    "type": "value_error.extra",
                }
            ]
        },
    ),
    "Gemini": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "status": "INVALID_ARGUMENT",
                    "message": 'Invalid JSON payload received. Unknown name "{}": Cannot find field.',
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.BadRequest",
                            "fieldViolations": [
                                {"description": 'Unknown name "{}": Cannot find field.'}
                            ],
                        }
                    ],
                }
            }
        ],
    ),
    "Ollama": (400, openai_error('json: unknown field "{}"', param=None, code=None)),
    "DeepSeek": (
        422,
        "Failed to deserialize the JSON body: unknown field `{}`, expected one of `model`, `messages`",
    ),
    "Groq": (400, openai_error("property '{}' is unsupported, did you mean 'user'?")),
    "LiteLLM": (
        400,
        openai_error(
            "litellm.UnsupportedParamsError: bedrock does not support parameters: ['{}'], x"
        ),
    ),
    "Bedrock": (400, {"message": "Malformed input request: extraneous key [{}] is not permitted"}),
    "OpenRouter": (
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": '{"error":{"message":"Unsupported parameter: \'{}\'"}}',
                    "provider_name": "x",
                },
            }
        },
    ),
    "by key": (422, {"errors": {"{}": ["Unknown field."]}}),
    "with success": (200, {"error": {"message": "Unsupported parameter: '{}'", "code": 400}}),
}


# Refusals of the value 0, or of any value but the default.
REFUSED_VALUE = {
    "OpenAI": openai_error(
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value "
        "is supported.",
        param="temperature",
        code="unsupported_value",
    ),
    "TGI": {
        "error": "Input validation error: `temperature` must be strictly positive",
        "error_type": "validation",
    },
    "pydantic": {
        "detail": [
            {
                "type": "greater_than",
                "loc": ["body", "temperature"],
                "msg": "Input should be greater than 0",
                "input": 0,
            }
        ]
    },
    "Anthropic": openai_error("`temperature` is deprecated for this model."),
}


SYSTEM_REFUSALS = {
    "OpenAI": (
        400,
        openai_error(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            param="messages[0].role",
            code="unsupported_value",
        ),
    ),
    "vLLM, Gemma": (400, {"object": "error", "message": "System role not supported", "code": 400}),
    "vLLM, Mistral": (
        400,
        {
            "object": "error",
            "code": 400,
            "message": "Conversation roles must alternate user/assistant/user/assistant/...",
        },
    ),
    "llama.cpp": (
        500,
        {
            "error": {
                "code": 500,
                "type": "server_error",
                "message": "Value is not callable: raise_exception('System role not supported')",
            }
        },
    ),
    "Gemini": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "status": "INVALID_ARGUMENT",
                    "message": "Developer instruction is not enabled for models/gemma-3-27b-it",
                }
            }
        ],
    ),
    "TGI": (
        422,
        {"error": "Template error: invalid operation: System role not supported (in <string>:1)"},
    ),
    "Mistral": (
        422,
        {
            "object": "error",
            "message": {
                "detail": [
                    {
                        "type": "literal_error",
                        "loc": ["body", "messages", 0, "role"],
                        "msg": "Input should be 'user' or 'assistant'",
                        "input": "system",
                    }
                ]
            },
        },
    ),
    "of a schema": (
        400,
        openai_error("'system' is not one of ['user', 'assistant'] - 'messages.0.role'"),
    ),
    "Anthropic": (
        400,
        openai_error(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.'
        ),
    ),
    "Ollama": (400, openai_error("invalid role: system, must be one of user, assistant")),
    "with success": (200, {"error": {"message": "unsupported role: system", "code": 400}}),
}
