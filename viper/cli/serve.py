"""`viper serve`: an HTTP API, and a web page that uses it."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from viper.cli.errors import checked_options, exit_on_error
from viper.cli.options import (
    debug_option,
    engine_options,
    open_engine,
    program_cache_option,
    writing_options,
)
from viper.cli.output import StderrLog, echo, notice, show_log
from viper.cli.process import finish, leave
from viper.cli.settings import apply_settings
from viper.errors import require_packages
from viper.serve.settings import TOKEN_VARIABLE, ServerSettings

__all__ = ["serve"]

_DEFAULTS = ServerSettings()
_GARBAGE_THRESHOLDS = (700, 10, 10)  # Python's own
_PACKAGES = ("starlette", "uvicorn", "python_multipart", "prometheus_client")

F = TypeVar("F", bound=Callable[..., Any])


def _option(
    flag: str, metavar: str, kind: click.ParamType[Any], text: str, suffix: str = ""
) -> Callable[[F], F]:
    """Return an option for the field of the server settings that is named FLAG + SUFFIX."""
    name = flag[2:].replace("-", "_") + suffix
    return click.option(
        flag,
        name,
        metavar=metavar,
        type=kind,
        default=getattr(_DEFAULTS, name),
        show_default=True,
        help=text,
    )


@click.command()
@_option(
    "--host",
    "ADDRESS",
    click.STRING,
    f"Address to listen on. Any other than loopback requires a token in {TOKEN_VARIABLE}.",
)
@_option(
    "--port",
    "N",
    click.IntRange(0, 65_535),
    "Port to listen on; 0 chooses a free one, which is printed.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="Also accept requests to this name, such as that of a reverse proxy; repeatable, requires a token.",
)
@_option(
    "--concurrency",
    "K",
    click.IntRange(min=1),
    "Answers computed at the same time.",
)
@_option(
    "--queue",
    "N",
    click.IntRange(min=0),
    "Requests that wait for one of these; further ones get status 429 with Retry-After.",
)
@_option(
    "--max-upload-mb",
    "MB",
    click.FloatRange(min=0, min_open=True),
    "Size of the largest image file.",
)
@_option(
    "--max-pixels",
    "N",
    click.IntRange(min=1),
    "Width times height of the largest image.",
)
@_option(
    "--grace",
    "SECONDS",
    click.FloatRange(min=0),
    "Time for running answers to finish at shutdown (SIGTERM, Ctrl-C).",
    suffix="_s",
)
@click.option("--preload", is_flag=True, help="Load all models before the first request.")
@engine_options
@writing_options
@program_cache_option
@debug_option
def serve(**options: Any) -> None:
    """Serve answers over HTTP, with a web page that shows the steps as they happen.

    \b
    viper serve                                   http://127.0.0.1:8765, with the models that come with Viper
    viper serve --port 0 --models small --preload
    curl -F image=@examples/shapes.png -F "question=How many cubes are there?" \\
        http://127.0.0.1:8765/v1/ask
    VIPER_SERVE_TOKEN=… viper serve --host 0.0.0.0

    A request contains an image, a question and optionally a program; models and limits are chosen here.
    Without a full sandbox the server does not start. The URL is printed on stdout, one line per request on
    stderr. SIGTERM shuts the server down after running answers are done. Needs the extra:
    pip install 'viper-vision[serve]'.
    """
    with exit_on_error(debug=options["debug"]):
        require_packages(*_PACKAGES, extra="serve", purpose="The server")
        _log_to_stderr()
        if options["debug"]:
            show_log()
        _serve(options)


def _serve(options: dict[str, Any]) -> None:
    from viper.engine.presets import advice
    from viper.serve.app import create_app
    from viper.serve.server import Server, listen, url_of
    from viper.serve.service import Service, check_sandbox

    apply_settings(options)
    apply_settings(options, table="serve")
    names = {field.name for field in fields(ServerSettings)} & options.keys()
    settings = ServerSettings(
        **{name: options[name] for name in names},
        token=os.environ.get(TOKEN_VARIABLE) or None,
    )
    listening = listen(settings)
    engine = open_engine({**options, "debug": True})  # keeps the handlers of _log_to_stderr
    try:
        level = check_sandbox(engine, settings)
        if engine.config.is_stubbed:
            notice("stub results: nothing here is an answer about the image (--models stub).")
        if text := advice(options["models"], own_backends=bool(options["backends"])):
            notice(text)
        if options["preload"]:
            with checked_options():
                engine.preload()
        service = Service(engine, settings)
        # `viper.cli` has garbage looked for rarely, for a quick start; a server makes it for weeks.
        gc.freeze()
        gc.set_threshold(*_GARBAGE_THRESHOLDS)

        def on_ready() -> None:
            url = url_of(listening, settings)
            echo(url)
            notice(f"serving at {url} (sandbox {level}); Ctrl-C ends it.")

        app = create_app(service, sandbox=level)
        server = Server(app, settings, service.admission, on_ready, service.connections)
        server.run_until_signal(listening, on_late_signal=lambda: leave(0))
        notice("ended.")
        service.close()
    finally:
        listening.close()
        ended = engine.close(timeout_s=2.0)
    if not ended:
        leave(0)
    finish(0)  # at once: while an interpreter is torn down, a signal would be its status


def _log_to_stderr() -> None:
    """Print warnings of Viper, and one line per request, on stderr."""
    logging.getLogger("viper").handlers = [StderrLog(logging.INFO)]
    logging.getLogger("viper.serve").setLevel(logging.INFO)
    logging.getLogger("uvicorn").handlers = [StderrLog(logging.ERROR)]
