"""`viper serve`: ask over HTTP, and from a page."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from viper.cli.options import engine_options, program_cache_option, writing_options
from viper.serve.settings import ServerSettings

__all__ = ["serve"]

_DEFAULTS = ServerSettings()


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    default=_DEFAULTS.host,
    show_default=True,
    help="Address to listen on. Another than loopback needs a token in VIPER_SERVE_TOKEN.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65_535),
    default=_DEFAULTS.port,
    show_default=True,
    help="Port to listen on; 0 takes any free one, which is printed.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="Also answer requests to this name, such as that of a reverse proxy; repeatable, needs a token.",
)
@click.option(
    "--concurrency",
    metavar="K",
    type=click.IntRange(min=1),
    default=_DEFAULTS.concurrency,
    show_default=True,
    help="Answers that are worked on at once.",
)
@click.option(
    "--queue",
    metavar="N",
    type=click.IntRange(min=0),
    default=_DEFAULTS.queue,
    show_default=True,
    help="Requests that wait for them; the next one is answered with 429 and Retry-After.",
)
@click.option(
    "--max-upload-mb",
    metavar="MB",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULTS.max_upload_mb,
    show_default=True,
    help="Largest picture file.",
)
@click.option(
    "--max-pixels",
    metavar="N",
    type=click.IntRange(min=1),
    default=_DEFAULTS.max_pixels,
    show_default=True,
    help="Largest picture, width times height.",
)
@click.option(
    "--grace",
    "grace_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.grace_s,
    show_default=True,
    help="Time that running answers get when the server is told to end (SIGTERM, Ctrl-C).",
)
@click.option("--preload", is_flag=True, help="Load all models before the first request comes.")
@engine_options
@writing_options
@program_cache_option
@click.option("--debug", is_flag=True, help="Show tracebacks and the log.")
def serve(**options: Any) -> None:
    """Serve answers over HTTP, with a page to drop a picture on and watch the steps.

    \b
    viper serve                                   http://127.0.0.1:8765, with the models that Viper brings
    viper serve --port 0 --models small --preload
    curl -F image=@examples/shapes.png -F "question=How many cubes are there?" \\
        http://127.0.0.1:8765/v1/ask
    VIPER_SERVE_TOKEN=… viper serve --host 0.0.0.0

    Requests choose a picture, a question and perhaps a program; models and limits are chosen here. Without a
    full sandbox the server does not start. The address goes to stdout, one line per request to stderr.
    SIGTERM ends it when what it works on is answered. Needs the extra: pip install 'viper-vision[serve]'.
    """
    from viper.cli.output import print_error, show_log
    from viper.errors import ViperError

    try:
        _require()
        _log_to_stderr()
        if options["debug"]:
            show_log()
        _serve(options)
    except ViperError as error:
        print_error(error, debug=options["debug"])
        sys.exit(1)


def _serve(options: dict[str, Any]) -> None:
    from viper.cli.options import open_engine
    from viper.cli.output import notice
    from viper.cli.settings import apply_settings
    from viper.engine.presets import advice
    from viper.serve.app import create_app
    from viper.serve.server import listen, serve, url_of
    from viper.serve.service import Service, check_sandbox

    apply_settings(options)
    apply_settings(options, table="serve")
    settings = _settings(options)
    listening = listen(settings)
    engine = open_engine({**options, "debug": True})  # the log goes where _log_to_stderr said
    try:
        level = check_sandbox(engine, settings)
        if engine.config.is_stubbed:
            notice("stub results: nothing here is an answer about the picture (--models stub).")
        if text := advice(options["models"], own_backends=bool(options["backends"])):
            notice(text)
        if options["preload"]:
            engine.preload()
        service = Service(engine, settings)
        url = url_of(listening, settings)

        def ready() -> None:
            click.echo(url)
            notice(f"serving at {url} (sandbox {level}); Ctrl-C ends it.")

        serve(
            create_app(service, sandbox=level),
            settings,
            service.admission,
            listening,
            on_ready=ready,
        )
        notice("ended.")
        service.close()
    finally:
        listening.close()
        ended = engine.close(timeout_s=2.0)
    if not ended:
        from viper.cli.ask import leave

        leave(0)


def _settings(options: dict[str, Any]) -> ServerSettings:
    from viper.serve import TOKEN_VARIABLE

    names = ("host", "port", "allowed_hosts", "concurrency", "queue", "max_upload_mb", "max_pixels")
    return ServerSettings(
        **{name: options[name] for name in (*names, "timeout_s", "grace_s")},
        token=os.environ.get(TOKEN_VARIABLE) or None,
    )


def _require() -> None:
    """Say which extra is missing before anything else is done.

    Raises:
        MissingExtraError: A package of the extra is not installed.
    """
    from importlib.util import find_spec

    from viper.errors import MissingExtraError

    for package in ("starlette", "uvicorn", "python_multipart", "prometheus_client"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "serve", "The server")


def _log_to_stderr() -> None:
    """Print Viper's warnings, and one line per request, on stderr."""
    import logging

    from viper.cli.output import notice, printable

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                click.echo(printable(self.format(record)), err=True)
            else:
                notice(record.getMessage())

    handler = Lines(logging.INFO)
    logging.getLogger("viper").handlers = [handler]
    logging.getLogger("viper.serve").setLevel(logging.INFO)
    logging.getLogger("uvicorn").handlers = [Lines(logging.ERROR)]
