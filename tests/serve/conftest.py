"""A server's application, with an engine of stubs or with one that a test holds by the hand."""

from __future__ import annotations

import pytest

from fakes.asgi import Loop
from fakes.serving import HeldEngine
from viper import Engine

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from viper.serve import ServerSettings
from viper.serve.app import create_app
from viper.serve.service import Service


@pytest.fixture(scope="package", autouse=True)
def one_loop():
    yield
    Loop.close()


@pytest.fixture(scope="package")
def engine():
    with Engine("stub") as engine:
        yield engine


@pytest.fixture
def held(engine):
    return HeldEngine(engine)


@pytest.fixture
def make(engine):
    """Makes a service and its application; options are those of the settings."""
    made = []

    def make(using=None, **options):
        service = Service(using or engine, ServerSettings(**options))
        made.append(service)
        return create_app(service, sandbox="full"), service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def app(make):
    return make()[0]
