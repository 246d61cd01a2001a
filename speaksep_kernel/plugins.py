"""Plugin descriptions and the registry over entry points (in the manner of xarray's backends)."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points, version
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from speaksep_kernel.errors import InputError, PluginError, SpeakSepError

API_VERSION = 1
OWN_PACKAGE = "speaksep"

GROUPS = (
    "speaksep.separators",
    "speaksep.diagnosers",
    "speaksep.encoders",
    "speaksep.cleaners",
    "speaksep.exporters",
    "speaksep.formats",
    "speaksep.executors",
)


@dataclass(frozen=True)
class PluginInfo:
    """Static description of a plugin, readable without importing its network.

    Attributes
    ----------
    name, version, summary, licence
        What it is.
    api_version
        Version of the plugin interface it was written for.
    requires
        Import names that must be installed for it to work.
    sample_rates_hz
        Rates it accepts; empty means any.
    max_speakers
        Most simultaneous speakers it tells apart (separators), 0 if the notion does not apply.
    devices
        Subset of {"cpu", "cuda"}.
    options
        JSON schema (properties only) of its keyword options.
    """

    name: str
    version: str
    summary: str
    licence: str = ""
    api_version: int = API_VERSION
    requires: tuple[str, ...] = ()
    sample_rates_hz: tuple[int, ...] = ()
    max_speakers: int = 0
    devices: tuple[str, ...] = ("cpu",)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A plugin that can be used.

    Attributes
    ----------
    info
        Its description.
    cls
        The class itself.
    package
        Distribution that brought it.
    missing
        Import names out of ``info.requires`` that are not installed; empty when it is ready for use.
    """

    info: PluginInfo
    cls: type[Any]
    package: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """A plugin that is installed but cannot be used, with the reason in one line."""

    name: str
    package: str
    why: str


def kind_of(group: str) -> str:
    """Singular word for a group: ``"speaksep.separators"`` -> ``"separator"``."""
    return group.removeprefix("speaksep.").removesuffix("s")


def group_of(kind: str) -> str:
    """Entry-point group of a kind, in singular, plural or in full: ``"separator"`` -> ``"speaksep.separators"``.

    Raises
    ------
    InputError
        Reason ``unknown-kind``.
    """
    for group in GROUPS:
        if kind in (group, group.removeprefix("speaksep."), kind_of(group)):
            return group
    raise InputError(
        f"unknown kind of plugin {kind!r}",
        reason="unknown-kind",
        hint=f"one of: {', '.join(map(kind_of, GROUPS))}",
    )


def available(group: str) -> Mapping[str, Loaded | Broken]:
    """Every installed plugin of a group by name, sorted; read again when packages came or went.

    A broken plugin never raises here. Two packages that claim one name get neither through, save that a built-in
    keeps its name; a ``RuntimeWarning`` names both.
    """
    return _available(group, _installations())


def _installations() -> tuple[int, ...]:
    """Changes when pip installs or removes something: the times of the folders that packages are in."""
    times = []
    for folder in filter(None, sys.path):  # not "": where one works, files come and go
        try:
            times.append(os.stat(folder).st_mtime_ns)
        except OSError:  # not there, or an archive that is gone
            times.append(0)
    return tuple(times)


@lru_cache(maxsize=2 * len(GROUPS))
def _available(group: str, _installed_when: tuple[int, ...]) -> Mapping[str, Loaded | Broken]:
    claims: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        claims.setdefault(point.name, []).append(point)
    found: dict[str, Loaded | Broken] = {}
    for name, points in sorted(claims.items()):
        if len(points) == 1:
            found[name] = _load(points[0])
            continue
        owners = sorted(_package(point) for point in points)
        why = f"the name {name!r} is claimed by {' and '.join(owners)}; uninstall one of them"
        warnings.warn(f"{kind_of(group)} plugins: {why}", RuntimeWarning, stacklevel=2)
        own = [point for point in points if _package(point) == OWN_PACKAGE]
        found[name] = _load(own[0]) if own else Broken(name, owners[0], why)
        for owner in owners if own else owners[1:]:
            if owner != OWN_PACKAGE:
                found[f"{name} ({owner})"] = Broken(name, owner, why)
    return MappingProxyType(found)


def refresh() -> None:
    """Look for plugins again, after one was installed in a place that does not show it."""
    _available.cache_clear()


def get(group: str, name: str) -> type[Any]:
    """The class of a plugin.

    Parameters
    ----------
    group
        One of :data:`GROUPS` or its short word, e.g. ``"separator"``.
    name
        Name of the plugin.

    Raises
    ------
    InputError
        Reason ``unknown-KIND`` (no such plugin) or ``missing-package`` (something it requires is not installed).
    PluginError
        Reason ``broken-plugin``.
    """
    group = group_of(group)
    kind, found = kind_of(group), available(group)
    plugin = found.get(name)
    if plugin is None:
        names = ", ".join(key for key, value in found.items() if isinstance(value, Loaded)) or "none installed"
        raise InputError(f"unknown {kind} {name!r}", reason=f"unknown-{kind}", hint=f"there are: {names}")
    if isinstance(plugin, Broken):
        raise PluginError(
            f"{kind} {name!r} of package {plugin.package} is broken: {plugin.why}",
            reason="broken-plugin",
            hint="update or uninstall that package; speaksep plugins list shows the state of all",
        )
    if plugin.missing:
        raise InputError(
            f"{kind} {name!r} needs packages that are not installed: {', '.join(plugin.missing)}",
            reason="missing-package",
            hint=f"pip install {' '.join(plugin.missing)}",
        )
    return plugin.cls


def usable(group: str, name: str) -> type[Any]:
    """The class of a plugin as it is to be used here: in a process of its own where ``SPEAKSEP_CONTAIN`` asks for it.

    Raises
    ------
    InputError, PluginError
        As :func:`get`; reason ``bad-setting`` for a bound that is none.
    """
    from speaksep_kernel.containment import Bounds, contained

    cls, bounds, kind = get(group, name), Bounds.of(), kind_of(group_of(group))
    plugin = available(group_of(group))[name]
    return contained(kind, cls, bounds) if bounds.hold(kind, plugin.package) else cls


def create(group: str, name: str, **options: Any) -> Any:
    """An instance of a plugin, its options checked against the names it declares; contained where that is asked for.

    Parameters
    ----------
    group, name
        See :func:`get`.
    options
        ``device`` or ``workers`` where the kind takes it, and the keyword options of ``info.options``.

    Raises
    ------
    InputError
        What :func:`typed_options`, :func:`get` and the plugin itself raise.
    PluginError
        Reason ``plugin-failed``: it raised something that is not one of our errors.
    """
    cls = usable(group, name)
    kind = kind_of(group_of(group))
    known = {key: options.pop(key) for key in ("device", "workers") if key in options}
    options = known | typed_options(cls.info, options)
    try:
        return cls(**options)
    except SpeakSepError:
        raise
    except Exception as cause:
        raise PluginError(
            f"{kind} {name!r} did not start: {type(cause).__name__}: {cause}",
            reason="plugin-failed",
            hint=f"speaksep plugins check {name} tells more",
        ) from cause


def typed_options(info: PluginInfo, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with their names checked, and text turned into the type that the plugin declares for it.

    Text comes from command lines and forms. Types other than integer, number and boolean are passed on as they are.

    Raises
    ------
    InputError
        Reason ``unknown-option`` or ``bad-option``.

    Examples
    --------
    >>> info = PluginInfo("x", "1", "example", options={"rate_hz": {"type": "integer"}})
    >>> typed_options(info, {"rate_hz": "8000"})
    {'rate_hz': 8000}
    """
    typed = {}
    for name, value in options.items():
        if name not in info.options:
            raise InputError(
                f"{info.name!r} has no option {name!r}",
                reason="unknown-option",
                hint=f"its options: {', '.join(info.options) or 'none'}",
            )
        declared = info.options[name].get("type", "string")
        try:
            typed[name] = _FROM_TEXT[declared](value) if isinstance(value, str) and declared in _FROM_TEXT else value
        except (KeyError, ValueError):
            raise InputError(
                f"option {name} of {info.name!r} is {value!r}", reason="bad-option", hint=f"give a {declared}"
            ) from None
    return typed


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}


def describe(group: str | None = None) -> list[dict[str, Any]]:
    """All plugins as plain JSON-ready dictionaries, group by group.

    Each has ``kind``, ``name``, ``package``, ``status`` (``"ok"``, ``"missing"`` or ``"broken"``) and ``why``; those
    that could be loaded also have the fields of :class:`PluginInfo`.
    """
    rows: list[dict[str, Any]] = []
    for each in GROUPS if group is None else (group_of(group),):
        for plugin in available(each).values():
            row: dict[str, Any] = {"kind": kind_of(each), "package": plugin.package}
            if isinstance(plugin, Broken):
                row |= {"name": plugin.name, "status": "broken", "why": plugin.why}
            else:
                why = f"not installed: {', '.join(plugin.missing)}" if plugin.missing else ""
                row |= asdict(plugin.info) | {"status": "missing" if plugin.missing else "ok", "why": why}
            rows.append(row)
    return rows


def _load(point: EntryPoint) -> Loaded | Broken:
    package = _package(point)
    fatal = "" if package == OWN_PACKAGE or point.dist is None else _fatal(point)
    if fatal:
        return Broken(point.name, package, f"{point.value} did not import: {fatal}")
    try:
        cls = point.load()
    except (Exception, SystemExit) as fault:  # whatever a stranger's module does while importing
        return Broken(point.name, package, f"{point.value} did not import: {type(fault).__name__}: {fault}")
    info = getattr(cls, "info", None)
    if not isinstance(cls, type) or not isinstance(info, PluginInfo):
        return Broken(point.name, package, f"{point.value} is not a class with a PluginInfo called info")
    if info.name != point.name:
        return Broken(point.name, package, f"its info calls it {info.name!r}, its entry point {point.name!r}")
    if info.api_version != API_VERSION:
        newer = f"SpeakSep, this is {version(OWN_PACKAGE)}" if info.api_version > API_VERSION else f"package {package}"
        why = f"written for plugin interface {info.api_version}, this SpeakSep has {API_VERSION}: update {newer}"
        return Broken(point.name, package, why)
    return Loaded(info, cls, package, tuple(name for name in info.requires if not _installed(name)))


def _fatal(point: EntryPoint) -> str:
    from speaksep_kernel.containment.trial import fatal

    return fatal(point)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
