"""The plan as a form: what will be done and why, what may be changed, and a button to proceed."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets

from speaksep_kernel import plugins
from speaksep_kernel.diagnosis.plan import MOST_SPEAKERS, Plan, make_plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import SpeakSepError
from speaksep_widgets.last_picture import LeavesPicture

AUTO = 0


class PlanCard(LeavesPicture, ipywidgets.VBox):
    """What will be done with a recording.

    Parameters
    ----------
    diagnosis
        What was found in it.
    proceed
        Told the plan when the button is pressed.
    choices
        Keywords of `speaksep_kernel.plan` to begin with.

    Attributes
    ----------
    plan
        The plan as chosen.
    speakers, separator, quality, device, cleaning
        The fields; ``speakers.value == 0`` counts them.
    """

    def __init__(self, diagnosis: Diagnosis, proceed: Callable[[Plan], object] | None = None, **choices: Any) -> None:
        self.diagnosis = diagnosis
        self._proceed = proceed
        self.plan = make_plan(diagnosis, **choices)
        wide: dict[str, Any] = {"style": {"description_width": "11em"}, "layout": {"width": "26em"}}
        self.speakers = ipywidgets.BoundedIntText(
            value=self.plan.speakers or AUTO, min=AUTO, max=MOST_SPEAKERS, description="Speakers (0: count)", **wide
        )
        separators = sorted(plugins.available("speaksep.separators"))
        self.separator = ipywidgets.Dropdown(
            options=separators, value=self.plan.separator, description="Separator", **wide
        )
        self.quality = ipywidgets.Dropdown(
            options=["fast", "balanced", "best"], value=self.plan.quality, description="Quality", **wide
        )
        self.device = ipywidgets.Dropdown(options=["auto", "cpu", "cuda"], description="Device", **wide)
        steps = dict.fromkeys((*self.plan.cleaning, *self.plan.offered))
        self.cleaning = {
            step: ipywidgets.Checkbox(value=step in self.plan.cleaning, description=f"Clean: {step}", indent=False)
            for step in steps
        }
        self.why = ipywidgets.HTML()
        self.button = ipywidgets.Button(description="Proceed", button_style="primary", icon="play")
        self.button.on_click(lambda _: self.proceed())
        fields = [self.speakers, self.separator, self.quality, self.device, *self.cleaning.values()]
        for each in fields:
            each.observe(self._changed, "value")
        super().__init__([ipywidgets.VBox(fields), self.why, self.button])
        self._show()

    @property
    def choices(self) -> dict[str, Any]:
        """The keywords of `speaksep_kernel.plan` that make this plan; what is as by default is left out."""
        chosen: dict[str, Any] = {}
        if self.speakers.value != AUTO:
            chosen["speakers"] = self.speakers.value
        for name, default in (("separator", "speaksep"), ("quality", "balanced"), ("device", "auto")):
            if getattr(self, name).value != default:
                chosen[name] = getattr(self, name).value
        clean = [step for step, box in self.cleaning.items() if box.value]
        return chosen | ({"clean": clean} if clean else {})

    def proceed(self) -> None:
        """As the button does."""
        if self._proceed is not None:
            self._proceed(self.plan)

    def _changed(self, _: Any) -> None:
        try:
            self.plan = make_plan(self.diagnosis, **self.choices)
        except SpeakSepError as error:
            self.button.disabled = True
            self.why.value = f'<p role="alert"><b>{escape(str(error))}</b></p>'
        else:
            self.button.disabled = False
            self._show()

    def _last_picture(self) -> str:
        return str(self.why.value)

    def _show(self) -> None:
        self.why.value = f'<pre style="white-space:pre-wrap;font:inherit">{escape(self.plan.explain())}</pre>'
        self._leave_picture()
