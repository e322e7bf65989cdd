"""Figures for Prometheus, in a registry of their own, so that two servers in one process do not mix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.engine import Engine
    from viper.serve.admission import Admission

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counts requests and answers; asks the engine what its models have done when it is read."""

    def __init__(self, engine: Engine, admission: Admission) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "viper_http_requests",
            "Requests, by route and status.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._answers = Counter(
            "viper_answers",
            "Answers: answered, or the kind of failure.",
            ["outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "viper_answer_seconds",
            "Time from a request to its answer, waiting included.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._waited = Histogram(
            "viper_wait_seconds",
            "Time that a request waited for its turn.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        running = Gauge("viper_running", "Requests that are worked on.", registry=self._registry)
        running.set_function(lambda: admission.running)
        waiting = Gauge("viper_waiting", "Requests that wait.", registry=self._registry)
        waiting.set_function(lambda: admission.waiting)
        self._registry.register(_Models(engine))

    def served(self, route: str, method: str, status: int) -> None:
        """Count a request; `route` and `method` must come from short lists."""
        self._requests.labels(route, method, str(status)).inc()

    def waited(self, seconds: float) -> None:
        """Count the time until a turn."""
        self._waited.observe(seconds)

    def answered(self, answer: Answer, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(answer.failure.kind if answer.failure else "answered").inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)


class _Models(Collector):
    """What the engine's models have done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        return self._families()

    def describe(self) -> Iterable[Metric]:
        return ()  # the engine is asked only when somebody reads

    def _families(self) -> Iterator[Metric]:
        load = self._engine.load()
        for name, text, figure in (
            ("viper_model_forwards", "Forwards of the models, by role.", "forwards"),
            ("viper_model_requests", "Requests in these forwards, by role.", "requests"),
            ("viper_model_guesses", "Those of them that were only guessed, by role.", "prefetched"),
            ("viper_model_busy_seconds", "Time inside of the models, by role.", "busy_s"),
        ):
            family = CounterMetricFamily(name, text, labels=["role"])
            for role, done in load.items():
                family.add_metric([role], getattr(done, figure))
            yield family
        usage = self._engine.spent
        tokens = CounterMetricFamily("viper_tokens", "Tokens of language models.", labels=["kind"])
        tokens.add_metric(["prompt"], usage.prompt_tokens)
        tokens.add_metric(["completion"], usage.completion_tokens)
        yield tokens
