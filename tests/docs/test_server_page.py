"""docs/server.md against the code: routes, fields, errors, limits, figures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from prometheus_client.parser import text_string_to_metric_families

from fakes.asgi import Loop, call
from viper import Engine
from viper.cli.serve import serve
from viper.serve import ServerSettings
from viper.serve.api_error import KINDS
from viper.serve.app import ROUTES, create_app
from viper.serve.requests import RunFields
from viper.serve.service import Service

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())


def section(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_route_is_on_the_page():
    told = set(re.findall(r"`(?:GET|POST) (/[\w./]*)`", section("Routes")))
    assert told == {route for route in ROUTES if not route.startswith("/static/")}


def test_every_field_is_on_the_page():
    told = set(re.findall(r"^\| `(\w+)` \|", section("Fields"), re.M))
    assert told == {"image", *RunFields.model_fields}


def test_every_kind_of_error_is_on_the_page():
    told = re.findall(r"^\| [\d, ]+ \| ([^|]+) \|", section("Answers and errors"), re.M)
    assert {kind for cell in told for kind in re.findall(r"`(\w+)`", cell)} == set(KINDS)


@pytest.mark.parametrize(
    "name", ["concurrency", "queue", "max_upload_mb", "max_pixels", "timeout_s", "grace_s", "port"]
)
def test_defaults_are_the_same_everywhere(name):
    from viper.settings.schema import Settings

    (option,) = [parameter for parameter in serve.params if parameter.name == name]
    default = getattr(ServerSettings(), name)
    settings = Settings() if name == "timeout_s" else Settings().serve
    assert option.default == default == getattr(settings, name)
    if name != "port":
        assert re.search(rf"`{option.opts[0]}`[^\n]*\b{default:,.0f}\b", PAGE) or name == "grace_s"


def test_the_timeouts_of_the_page_are_those_of_the_server():
    settings = ServerSettings()
    limits = section("Limits")
    assert f"| time for a body to arrive | | {settings.upload_s:g} s |" in limits
    assert (
        f"| time for a request's head, and idle connections | | {settings.head_s:g} s |" in limits
    )
    assert (
        f"| time for a client to accept a part of an answer | | {settings.send_s:g} s |" in limits
    )
    assert settings.keep_alive_s == 10
    assert "Silence of ten seconds" in PAGE


def test_every_metric_on_the_page_is_there():
    from viper import Engine

    with Engine("stub") as engine:
        service = Service(engine, ServerSettings())
        app = create_app(service, sandbox="full")
        text = call(app, "GET", "/metrics").body.decode()
        service.close()
    Loop.close()
    there = {family.name for family in text_string_to_metric_families(text)}
    told = set(re.findall(r"`((?:viper|process)_\w+)", section("Metrics")))
    assert {name.removesuffix("_total") for name in told} <= there
    assert {
        name for name in there if name.startswith("viper_") and not name.endswith("_created")
    } <= {name.removesuffix("_total") for name in told}


def test_the_sentences_name_the_figures_of_the_result():
    recorded = json.loads((ROOT / "benchmarks" / "results" / "serve.json").read_text())
    assert (recorded["requests"], recorded["concurrency"]) == (500, 32)
    assert recorded["lost"] == recorded["wrong"] == 0
    assert recorded["burst"]["lost"] == recorded["burst"]["wrong"] == 0
    (_, early), (_, late) = recorded["rss_mb"]
    for sentence in (
        f"on {recorded['machine']['cores']} cores ({recorded['machine']['cpu']}), 500 requests about "
        f"{recorded['pictures']} images, 32 at once",
        f"half are answered within {recorded['p50_ms']:.0f} ms, 99 % within {recorded['p99_ms']:.0f} ms; "
        f"{recorded['answers_per_s']:.0f} answers a second",
        f"has {early:.0f} MB after 100 requests and {late:.0f} MB after 500",
        f"Of {recorded['burst']['requests']} requests at once on {recorded['burst']['places']} queue slots, "
        f"{recorded['burst']['turned_away']} were rejected at first",
    ):
        assert sentence in FLAT


def test_the_check_of_the_page_finds_what_it_shows():
    (given,) = re.findall(r"-d '(.*)' \S+/v1/check$", PAGE, re.MULTILINE)
    (shown,) = re.findall(r'^(\{"source".*)$', PAGE, re.MULTILINE)
    with Engine(models="stub") as engine:
        report = engine.check(json.loads(given)["program"])
    assert json.loads(shown) == {
        "source": report.source,
        "findings": [finding._asdict() for finding in report.findings],
    }
