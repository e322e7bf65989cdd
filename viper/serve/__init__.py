"""`viper serve`: an engine behind HTTP, and a page to ask it from.

    server      listens, and ends without losing what it has taken on
    app         which route does what
    gate        every request passes: id, host, origin, token, headers, time to send, log line
    bodies      reads what is uploaded, within limits;  requests: makes checked values of it
    admission   how many at once, how many wait, who is turned away
    service     a checked request on its way to an answer
    events      an answer as server-sent events
    public      what of an answer strangers may see
    metrics, openapi, static

Requests come from strangers, and so do pictures and programs. A request chooses a picture, a question, a
program and how long to wait; it chooses no file, address, model or generator.
"""

from viper.serve.settings import TOKEN_VARIABLE, ServerSettings, is_loopback

__all__ = ["TOKEN_VARIABLE", "ServerSettings", "is_loopback"]
