"""Prometheus metrics, in a separate registry, so that two servers in one process do not mix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from viper.engine.answer import Answer
    from viper.engine.engine import Engine
    from viper.serve.admission import Admission
    from viper.serve.connections import Connections

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counts requests and answers; reads engine and admission control when metrics are scraped."""

    def __init__(self, engine: Engine, admission: Admission, connections: Connections) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_LiveCollector(engine, admission, connections))
        self._requests = Counter(
            "viper_http_requests",
            "Requests, by route and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._answers = Counter(
            "viper_answers",
            "Answers: answered, or the kind of failure.",
            ["outcome"],
            registry=registry,
        )
        self._seconds, self._wait = (
            Histogram(name, text, buckets=_SECONDS, registry=registry)
            for name, text in (
                ("viper_answer_seconds", "Time from a request to its answer, waiting included."),
                ("viper_wait_seconds", "Time that a request waited in the queue."),
            )
        )

    def count_request(self, route: str, method: str, status: int) -> None:
        """Count a request; `route` and `method` must come from small sets."""
        self._requests.labels(route, method, str(status)).inc()

    def count_wait(self, seconds: float) -> None:
        """Record the time until a worker slot."""
        self._wait.observe(seconds)

    def count_answer(self, answer: Answer, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(answer.failure.kind if answer.failure else "answered").inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)


class _LiveCollector(Collector):
    """Current values of the engine's models, of admission control and of the connections.

    No client is a label: there are too many, and they are nobody's business.
    """

    def __init__(self, engine: Engine, admission: Admission, connections: Connections) -> None:
        self._engine = engine
        self._admission = admission
        self._connections = connections

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registration would collect

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("viper_running", "Requests in progress.", self._admission.running)
        yield GaugeMetricFamily("viper_waiting", "Requests in the queue.", self._admission.waiting)
        yield GaugeMetricFamily("viper_connections", "Open connections.", len(self._connections))
        waits = self._connections.loop_time.waits
        yield CounterMetricFamily("viper_loop_waits", "Waits of clients to be read on.", waits)
        for name, text, counts in (
            ("viper_admissions", "Requests and their slots.", self._admission.outcomes()),
            ("viper_connections_opened", "Connections.", self._connections.outcomes),
        ):
            family = CounterMetricFamily(name, f"{text[:-1]}, by outcome.", labels=["outcome"])
            for outcome, number in counts.items():
                family.add_metric([outcome], number)
            yield family
        yield from self._health()
        load = self._engine.load()
        for name, text, attribute in (
            ("viper_model_forwards", "Forwards of the models, by role.", "forwards"),
            ("viper_model_requests", "Requests in these forwards, by role.", "requests"),
            ("viper_model_guesses", "Prefetched requests among them, by role.", "prefetched"),
            ("viper_model_busy_seconds", "Time spent in the models, by role.", "busy_s"),
        ):
            family = CounterMetricFamily(name, text, labels=["role"])
            for role, counters in load.items():
                family.add_metric([role], getattr(counters, attribute))
            yield family
        tokens = CounterMetricFamily("viper_tokens", "Tokens of language models.", labels=["kind"])
        for kind in ("prompt", "completion"):
            tokens.add_metric([kind], getattr(self._engine.spent, f"{kind}_tokens"))
        yield tokens

    def _health(self) -> Iterator[Metric]:
        health = self._engine.health()
        stuck = GaugeMetricFamily(
            "viper_model_stuck", "Replicas of the models that do not come back.", labels=["role"]
        )
        stuck_s = GaugeMetricFamily(
            "viper_model_stuck_seconds", "How long the longest of them has not.", labels=["role"]
        )
        replaced = CounterMetricFamily(
            "viper_model_replacements", "Replicas loaded in their place.", labels=["role"]
        )
        for model in health:
            stuck.add_metric([model.role], model.stuck)
            stuck_s.add_metric([model.role], model.stuck_s)
            replaced.add_metric([model.role], model.replaced)
        yield from (stuck, stuck_s, replaced)
