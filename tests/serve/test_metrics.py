"""Prometheus metrics: their names are an interface."""

from __future__ import annotations

import threading
import time

from prometheus_client.parser import text_string_to_metric_families

from fakes.asgi import call, form
from fakes.serving import PNG
from viper.generate.local import LocalGenerator
from viper.generate.local_settings import LocalSettings
from viper.generate.local_thread import ModelThread, Written
from viper.scheduling import worker
from viper.usage import Usage


def samples(app):
    reply = call(app, "GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def test_requests_and_answers_are_counted(make):
    app, _ = make()
    for question in ("How many cups are there?", "Why?"):
        call(app, "POST", "/v1/ask", **form({"question": question}, file=PNG))
    call(app, "GET", "/secret/path")
    call(app, "BREW", "/v1/ask")
    found = samples(app)
    assert found["viper_http_requests_total", "/v1/ask", "200", "POST"] == 2
    assert found["viper_http_requests_total", "404", "GET", "other"] == 1
    assert found["viper_http_requests_total", "/v1/ask", "405", "other"] == 1
    assert found["viper_answers_total", "answered"] == 1
    assert found["viper_answers_total", "generator"] == 1
    assert found["viper_answer_seconds_count",] == 2
    assert found["viper_wait_seconds_count",] == 2
    assert found["viper_running",] == found["viper_waiting",] == 0


def test_models_and_memory_are_reported(make, fake_engine):
    class Detector:
        fingerprint = "d"
        vocabulary = None

        def detect(self, requests):
            return [[] for _ in requests]

    app, _ = make(fake_engine(detector=Detector()))
    call(app, "POST", "/v1/ask", **form({"question": "How many cups are there?"}, file=PNG))
    found = samples(app)
    assert found["viper_model_forwards_total", "detector"] == 1
    assert found["viper_model_requests_total", "detector"] == 1
    assert found["viper_model_busy_seconds_total", "detector"] > 0
    assert found["viper_tokens_total", "prompt"] == 0
    assert found["process_resident_memory_bytes",] > 1e7


def test_slots_and_connections_are_counted_by_outcome_and_no_client_is_named(make):
    app, _ = make()
    call(app, "POST", "/v1/ask", **form({"question": "How many cups are there?"}, file=PNG))
    found = samples(app)
    assert found["viper_admissions_total", "admitted"] == 1
    for outcome in ("rejected", "evicted", "timed_out", "recalled"):
        assert found["viper_admissions_total", outcome] == 0
    for outcome in ("accepted", "refused", "evicted"):
        assert found["viper_connections_opened_total", outcome] == 0
    assert found["viper_connections",] == 0
    assert "127.0.0.1" not in call(app, "GET", "/metrics").body.decode()


def test_a_model_that_does_not_come_back_is_reported(make, fake_engine, monkeypatch):
    monkeypatch.setattr(worker, "_REPLACE_AFTER", 1_000)  # whatever else the machine does meanwhile
    free = threading.Event()

    class Detector:
        fingerprint = "d"
        vocabulary = None

        def detect(self, requests):
            free.wait(20)
            return [[] for _ in requests]

    app, service = make(fake_engine(detector=Detector(), options={"model_call_s": 0.2}))
    assert call(app, "GET", "/healthz").json() == {"status": "ok", "sandbox": "full"}
    assert samples(app)["viper_model_stuck", "detector"] == 0
    ask = form({"question": "How many cups are there?"}, file=PNG)
    call(app, "POST", "/v1/ask", **ask)
    until(lambda: service.engine.health()[0].stuck)
    reply = call(app, "GET", "/healthz")
    (stuck,) = reply.json()["stuck"]
    assert (reply.status, reply.json()["status"]) == (200, "degraded")
    assert (stuck["role"], stuck["replicas"], stuck["stuck"]) == ("detector", 1, 1)
    found = samples(app)
    assert found["viper_model_stuck", "detector"] == 1
    assert found["viper_model_stuck_seconds", "detector"] >= 0.2
    assert found["viper_model_replacements_total", "detector"] == 0
    began = time.monotonic()
    refused = call(app, "POST", "/v1/ask", **ask).json()["failure"]
    assert refused["kind"] == "model"
    assert "has not come back" in refused["message"]
    assert time.monotonic() - began < 5
    free.set()
    until(lambda: call(app, "GET", "/healthz").json()["status"] == "ok")


class HangingWriter:
    """Writes nothing, and shows no progress, until it is set free."""

    def __init__(self):
        self.free = threading.Event()

    def write(self, samples, is_wanted):
        self.free.wait(30)
        return [Written("return 1", Usage()) for _ in samples]

    def release(self):
        pass


def test_a_generator_that_does_not_come_back_is_reported(make, fake_engine):
    writer = HangingWriter()
    generator = LocalGenerator(LocalSettings("not/there"))
    generator._thread = ModelThread(generator.name, lambda: writer, stuck_after_s=0.2)
    app, service = make(fake_engine(generator))
    ask = form({"question": "How many cups are there?", "timeout_s": "0.5"}, file=PNG)
    assert call(app, "GET", "/healthz").json() == {"status": "ok", "sandbox": "full"}
    assert samples(app)["viper_model_stuck", "generator"] == 0
    assert call(app, "POST", "/v1/ask", **ask).json()["failure"]["kind"] == "timeout"
    until(lambda: service.engine.health()[-1].stuck)
    reply = call(app, "GET", "/healthz")
    assert (reply.status, reply.json()["status"]) == (200, "degraded")
    (stuck,) = reply.json()["stuck"]
    assert (stuck["role"], stuck["stuck"]) == ("generator", 1)
    assert "not/there" not in reply.body.decode()
    found = samples(app)
    assert found["viper_model_stuck", "generator"] == 1
    assert found["viper_model_stuck_seconds", "generator"] >= 0.2
    refused = call(app, "POST", "/v1/ask", **ask).json()["failure"]
    assert refused["kind"] == "generator"
    assert "has shown no progress" in refused["message"]
    writer.free.set()
    until(lambda: call(app, "GET", "/healthz").json()["status"] == "ok")
    assert samples(app)["viper_model_stuck", "generator"] == 0


def until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 10 s")


def test_two_servers_in_one_process_do_not_mix(make):
    first, second = make()[0], make()[0]
    call(first, "GET", "/healthz")
    assert ("viper_http_requests_total", "/healthz", "200", "GET") not in samples(second)
