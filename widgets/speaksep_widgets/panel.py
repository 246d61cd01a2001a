"""Any of these widgets in a Panel application: the same module, style and state, without Jupyter."""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets
import panel
import param

from speaksep_widgets.base import SpeakSepWidget

_FRAME = {*anywidget.AnyWidget.class_trait_names(), *ipywidgets.DOMWidget.class_trait_names()}
"""What makes it an ipywidget; Panel has its own."""


def in_panel(widget: SpeakSepWidget, **layout: Any) -> panel.custom.AnyWidgetComponent:
    """A Panel component that shows a widget and stays equal to it, both ways.

    Parameters
    ----------
    widget
        Say, a `RecordingView` or `SpeakerTracks`.
    layout
        Of the component, such as ``sizing_mode="stretch_width"``, which it is by default.

    Examples
    --------
    >>> in_panel(SpeakerTracks("tracks")).servable()  # doctest: +SKIP
    """
    state = {name: getattr(widget, name) for name in _shared(type(widget))}
    component = _component(widget)(**state, **{"sizing_mode": "stretch_width", **layout})
    component.widget = widget

    def shown(change: Any) -> None:
        setattr(component, change["name"], change["new"])

    def changed(*events: Any) -> None:
        for event in events:
            if event.new != getattr(widget, event.name):
                setattr(widget, event.name, event.new)

    kept = [name for name, trait in widget.traits().items() if name in state and not trait.read_only]
    widget.observe(shown, list(state))
    component.param.watch(changed, kept)
    widget.also_send(lambda content, buffers: component.send({**content, "buffers": list(buffers)}))
    return component


class _Asking(panel.custom.AnyWidgetComponent):
    """A component whose questions its widget answers."""

    __abstract = True

    widget: SpeakSepWidget

    def _handle_msg(self, data: Any) -> None:
        buffers = data.pop("buffers", []) if isinstance(data, dict) else []
        self.widget._asked(self, data, buffers)


def _shared(kind: type[SpeakSepWidget]) -> list[str]:
    names = kind.class_traits(sync=True)
    return [name for name in names if name not in _FRAME and not name.startswith("_") and name != "name"]


def _component(widget: SpeakSepWidget) -> type[_Asking]:
    parameters = {name: param.Parameter() for name in _shared(type(widget))}
    own = {"_esm": widget._esm, "_stylesheets": [widget._css]}
    return type(type(widget).__name__, (_Asking,), {**parameters, **own})
