"""``[alerts]``: how often things are looked at, and who is told when something is wrong."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from speaksep_hub.section import Secret, Section


class AlertSettings(Section):
    """``[alerts]``: for the Prometheus and the Alertmanager that ``speaksep hub up --prometheus`` starts."""

    mail_to: tuple[str, ...] = Field((), description="E-mail addresses of whoever runs the platform.")
    mail_from: str = Field("", description="What alerts come from, such as speaksep@example.org.")
    mail_server: str = Field("", description="HOST:PORT of the mail server for alerts.")
    mail_user: str = Field("", description="Who signs in there; nobody, if left out.")
    mail_password: Secret | None = Field(None, description="What with.")
    mail_tls: bool = Field(True, description="Whether that server must encrypt (STARTTLS, or TLS at port 465).")
    slack: Secret | None = Field(None, description="Incoming webhook of a Slack channel that gets critical alerts.")
    webhook: Secret | None = Field(None, description="Address that all alerts are posted to, as JSON of Alertmanager.")
    look_s: int = Field(5, ge=1, le=60, description="Seconds between two looks at every part.")
    gather_s: float = Field(
        30,
        gt=0,
        description="Seconds that an alert waits for others, to come in one message; news of it come ten times later.",
    )
    rules: Path | None = Field(None, description="File of rules in the place of those that come with it.")
    alertmanager: Path | None = Field(
        None, description="File of Alertmanager's own configuration, in the place of what the other settings make."
    )

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> AlertSettings:
        if self.mail_to and not (self.mail_server and self.mail_from):
            raise ValueError("alerts.mail_to needs alerts.mail_server and alerts.mail_from")
        if self.mail_server and not self.mail_server.rpartition(":")[2].isdecimal():
            raise ValueError(f"alerts.mail_server = {self.mail_server!r} is not HOST:PORT")
        return self

    @property
    def somebody(self) -> bool:
        """Whether anybody is told."""
        return bool(self.mail_to or self.slack or self.webhook or self.alertmanager)
