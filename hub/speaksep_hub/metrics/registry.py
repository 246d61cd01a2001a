"""The metrics of one process: counted by name, and written down when Prometheus asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from speaksep_hub.metrics.names import METRICS, Where, exported

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sample:
    """What somebody saw when Prometheus asked.

    Parameters
    ----------
    name
        Of one of `METRICS`.
    value
        In its unit.
    labels
        Values of its labels, in their order.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


class Metrics:
    """What one process counts.

    Parameters
    ----------
    where
        Which metrics are its own.

    Examples
    --------
    >>> metrics = Metrics("web")
    >>> metrics.add("speaksep_upload_bytes_total", 1024)
    >>> b"speaksep_upload_bytes_total 1024.0" in metrics.text()
    True
    """

    def __init__(self, *where: Where) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        self._where = where
        self._seen: set[str] = set()
        if "web" in where:
            self.set("speaksep_build_info", 1, version("speaksep"))

    def add(self, name: str, amount: float = 1, *labels: str) -> None:
        """Count up, or down with a gauge."""
        found = self._metric(name, Counter, Gauge)
        (found.labels(*labels) if labels else found).inc(amount)  # type: ignore[union-attr]

    def set(self, name: str, value: float, *labels: str) -> None:
        """Say how it stands."""
        found = self._metric(name, Gauge)
        (found.labels(*labels) if labels else found).set(value)  # type: ignore[union-attr]

    def observe(self, name: str, value: float, *labels: str) -> None:
        """One more of a histogram."""
        found = self._metric(name, Histogram)
        (found.labels(*labels) if labels else found).observe(value)  # type: ignore[union-attr]

    def look(self, names: Iterable[str], see: Callable[[], Iterable[Sample]]) -> None:
        """Have something looked at whenever Prometheus asks.

        Parameters
        ----------
        names
            Of the metrics that it may tell.
        see
            Called by the thread that answers.
        """
        self._registry.register(_Looked(tuple(names), see))

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)

    def _metric(self, name: str, *kinds: type[Counter | Gauge | Histogram]) -> Counter | Gauge | Histogram:
        found = self._made.get(name)
        if found is None:
            metric = METRICS[name]
            if metric not in exported(*self._where):
                raise KeyError(f"{name} is not of {', '.join(self._where)}")
            found = self._made[name] = _made(name, self._registry)
        if not isinstance(found, kinds):
            raise TypeError(f"{name} is a {METRICS[name].kind}")
        return found


def _made(name: str, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    metric = METRICS[name]
    if metric.kind == "histogram":
        return Histogram(name, metric.about, metric.labels, buckets=metric.buckets, registry=registry)
    kind = Counter if metric.kind == "counter" else Gauge
    return kind(name, metric.about, metric.labels, registry=registry)


class _Looked(Collector):
    """Samples that are taken when they are asked for."""

    def __init__(self, names: tuple[str, ...], see: Callable[[], Iterable[Sample]]) -> None:
        self._names, self._see = names, see

    def collect(self) -> Iterator[Family]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name in self._names:
            metric = METRICS[name]
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            families[name] = family(name, metric.about, labels=metric.labels)
        for sample in self._see():
            families[sample.name].add_metric(sample.labels, sample.value)
        yield from families.values()

    def describe(self) -> Iterator[Family]:
        """Nothing is looked at for it."""
        return iter(())
