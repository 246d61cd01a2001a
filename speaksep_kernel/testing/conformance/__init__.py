"""The conformance kit: does a plugin keep the contract of its kind?

In a plugin's own tests::

    @pytest.mark.parametrize("check", plugin_checks("separator"), ids=lambda check: check.__name__)
    def test_conforms(check):
        check(MySeparator)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from speaksep_kernel.plugins import group_of, kind_of
from speaksep_kernel.testing.conformance.check import Check, CheckResult, run

__all__ = ["Check", "CheckResult", "check_plugin", "plugin_checks"]


def plugin_checks(kind: str) -> tuple[Check, ...]:
    """The checks of a kind, each called as ``check(cls, **options)`` and raising `PluginError` on a fault.

    Raises
    ------
    InputError
        Reason ``unknown-kind``.
    """
    # By name, so that checking a separator does not import what exporters need.
    checks: tuple[Check, ...] = import_module(f"{__name__}.{kind_of(group_of(kind))}").CHECKS
    return checks


def check_plugin(kind: str, cls: type[Any], **options: Any) -> list[CheckResult]:
    """Run every check of a kind on a plugin class.

    Parameters
    ----------
    kind
        ``"separator"``, ``"diagnoser"``, ``"encoder"``, ``"cleaner"``, ``"exporter"``, ``"format"`` or ``"executor"``.
    cls
        The class.
    options
        Options to construct it with, where it cannot do without.

    Raises
    ------
    InputError
        Reason ``unknown-kind``.
    """
    return run(plugin_checks(kind), cls, options)
