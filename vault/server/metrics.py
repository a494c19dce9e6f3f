"""What can be measured, in the text format of Prometheus: the one home of ``prometheus_client``.

A label is the name of a route, a status, a code of the table or a word of this module: never a path, an id or
anything else that whoever asks could choose. So there is a bound to how many lines there are.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vault.api.models.evidence import Deposited
from vault.api.problems import Code
from vault.api.route import CONTAINER
from vault.server.services.health import Part
from vault.server.transferred import Break

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from vault.api.route import Route
    from vault.server.stores.records.runs import Run
    from vault.server.transferred import Transferred

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

NO_ROUTE: Final = "none"
"""Stands for whatever is asked that no route takes."""

OUTCOMES: Final = ("accepted", "refused", "failed", "broken_off")
_FAILED: Final = 500
_OK: Final = 300
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_LAG: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)


# When a number was first counted is one more line for each; the package knows only a switch for all.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the package leaves it without types


class Metrics:
    """The numbers of one server, in a registry of its own."""

    def __init__(self, version: str) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._upkeep = _Upkeep()
        self._habilitations = _Habilitations()
        registry.register(self._upkeep)
        registry.register(self._habilitations)
        Gauge("scelle_build_info", "What runs here.", ["version"], registry=registry).labels(version).set(1)
        self._ready = Gauge("scelle_ready", "Whether a part is ready.", ["part"], registry=registry)
        self._requests = Counter(
            "scelle_requests", "Requests that were answered.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "scelle_request_seconds",
            "From a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refusals = Counter(
            "scelle_refusals", "Requests that were refused.", ["code"], registry=registry
        )
        self._deposits = Counter("scelle_deposits", "Deposits by outcome.", ["outcome"], registry=registry)
        self._parts = Counter("scelle_upload_parts", "Parts by outcome.", ["outcome"], registry=registry)
        self._bytes = Counter("scelle_bytes", "Bytes of bodies.", ["direction"], registry=registry)
        self._transfers = Gauge(
            "scelle_transfers_in_flight", "Containers on their way.", ["direction"], registry=registry
        )
        self._broken = Counter("scelle_broken_off", "Transfers that broke off.", ["by"], registry=registry)
        self._lag = Histogram(
            "scelle_event_loop_lag_seconds",
            "How late the event loop is.",
            buckets=_LAG,
            registry=registry,
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what has not happened yet as 0: a first refusal is a change, too."""
        for code in Code:
            self._refusals.labels(code.value)
        for outcome in OUTCOMES:
            self._deposits.labels(outcome)
            self._parts.labels(outcome)
        for direction in ("in", "out"):
            self._bytes.labels(direction)
            self._transfers.labels(direction)
        for by in Break:
            self._broken.labels(by.value)

    @contextmanager
    def under_way(self, route: Route) -> Iterator[None]:
        """Count the transfer, if it is one, for as long as the block lasts."""
        direction = _direction(route)
        if direction is None:
            yield
            return
        with self._transfers.labels(direction).track_inprogress():
            yield

    def end(
        self, route: Route | None, *, status: int, code: Code | None, seconds: float, count: Transferred
    ) -> None:
        """Note how a request ended.

        Args:
            route: its route, None where no route takes it.
            status: of the answer.
            code: of the problem, if it was one.
            seconds: that it took.
            count: its bytes.
        """
        name = route.name if route else NO_ROUTE
        self._requests.labels(name, str(status)).inc()
        self._seconds.labels(name).observe(seconds)
        self._bytes.labels("in").inc(count.received)
        self._bytes.labels("out").inc(count.sent)
        if code is not None:
            self._refusals.labels(code.value).inc()
        if count.broken is not None:
            self._broken.labels(count.broken.value).inc()
        if route is not None and route.answer is Deposited:
            self._deposits.labels(_outcome(status, count)).inc()
        if route is not None and "part" in route.parameters:
            self._parts.labels(_outcome(status, count)).inc()

    def late(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._lag.observe(seconds)

    def render(
        self,
        *,
        missing: frozenset[Part],
        runs: tuple[Run, ...] | None,
        ending: Mapping[int, int] | None = None,
    ) -> bytes:
        """Return everything in the text format.

        Args:
            missing: the parts that are not ready.
            runs: the last runs of upkeep; None where they cannot be read.
            ending: how many habilitations end within so many days; None where that is not known.
        """
        for part in Part:
            self._ready.labels(part.value).set(part not in missing)
        self._upkeep.runs = runs
        self._habilitations.ending = ending
        return generate_latest(self._registry)


class _Habilitations(Collector):
    """How many keys stop being habilitated soon, if nobody renews what the authority said of them."""

    def __init__(self) -> None:
        self.ending: Mapping[int, int] | None = None

    def collect(self) -> Iterable[Metric]:
        ending = GaugeMetricFamily(
            "scelle_habilitations_ending", "Keys whose last habilitation ends soon.", labels=["days"]
        )
        for days, count in (self.ending or {}).items():
            ending.add_metric([str(days)], count)
        yield ending


class _Upkeep(Collector):
    """What the records know of the last runs of janitor and scrub, which are processes of their own."""

    def __init__(self) -> None:
        self.runs: tuple[Run, ...] | None = None

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "scelle_upkeep_readable", "Whether the last runs can be read.", self.runs is not None
        )
        started = GaugeMetricFamily("scelle_upkeep_started_seconds", "Of the last run.", labels=["name"])
        ended = GaugeMetricFamily("scelle_upkeep_ended_seconds", "Of the last run.", labels=["name"])
        done = GaugeMetricFamily(
            "scelle_upkeep_done", "Whether the last run got to its end.", labels=["name"]
        )
        examined = GaugeMetricFamily("scelle_upkeep_examined", "By the last run.", labels=["name"])
        damaged = GaugeMetricFamily("scelle_upkeep_damaged", "Found by the last run.", labels=["name"])
        runs = CounterMetricFamily("scelle_upkeep_runs", "Runs so far.", labels=["name"])
        removed = CounterMetricFamily("scelle_upkeep_removed", "Removed by all runs.", labels=["name"])
        for run in self.runs or ():
            labels = [run.name]
            started.add_metric(labels, run.started_at)
            ended.add_metric(labels, run.ended_at)
            done.add_metric(labels, run.outcome == "done")
            examined.add_metric(labels, run.examined)
            damaged.add_metric(labels, run.damaged)
            runs.add_metric(labels, run.runs)
            removed.add_metric(labels, run.removed_total)
        yield from (started, ended, done, examined, damaged, runs, removed)


def _direction(route: Route) -> str | None:
    """Return where containers go on this route, if they do."""
    if route.sends is not None:
        return "in"
    return "out" if route.gives == CONTAINER else None


def _outcome(status: int, count: Transferred) -> str:
    if status < _OK:
        return "accepted"
    if count.broken is not None:
        return "broken_off"
    return "failed" if status >= _FAILED else "refused"
