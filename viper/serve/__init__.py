"""`viper serve`: an engine behind an HTTP API, and a web page that uses it.

    server         listens, and shuts down gracefully
    acceptor       accepts connections, a few at a time
    paced_protocol what a connection may hold, how long it may idle, when its bytes are parsed
    strict_http    refuses requests that two programs may read differently, and bodies of tiny chunks
    app            routes
    middleware     for every request: id, security checks, headers, send timeout, log line
    security       checks of host, origin and token; response headers
    bodies         reads request bodies within limits
    requests       request models: validated values of a body
    admission      bounded queue: how many requests run, how many wait, which are rejected
    service        a validated request, from its queue slot to the answer
    events         an answer as server-sent events
    redaction      removes paths, addresses and options of models from what clients see
    host_places   the paths and addresses that this looks for
    metrics        Prometheus metrics
    openapi        the OpenAPI document
    static_files   the files of the page

Requests, images and programs are untrusted. A request chooses an image, a question, a program and a
timeout; it cannot choose a file, an address, a model or a generator.
"""

from viper.serve.settings import TOKEN_VARIABLE, ServerSettings
from viper.texts.hosts import is_loopback

__all__ = ["TOKEN_VARIABLE", "ServerSettings", "is_loopback"]
