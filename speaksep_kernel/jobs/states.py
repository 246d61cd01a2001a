"""The states of a job and how it moves between them: the one place that says so."""

from __future__ import annotations

from enum import StrEnum

from speaksep_kernel.errors import JobError


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What happens to a job."""

    CLAIM = "claim"  # a worker takes it
    SUCCEED = "succeed"
    FAIL = "fail"  # for good
    AGAIN = "again"  # it failed or its worker was lost, and it has attempts left
    RELEASE = "release"  # its worker gives it back through no fault of the job
    CANCEL = "cancel"  # somebody wants it stopped
    STOP = "stop"  # its worker has stopped it
    RETRY = "retry"  # somebody wants it run once more


HELD = frozenset({State.RUNNING, State.CANCELLING})
"""A worker has it."""

FINISHED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
"""Nothing happens to it unless somebody asks."""

MOVES: dict[tuple[State, Step], State] = {
    (State.QUEUED, Step.CLAIM): State.RUNNING,
    (State.QUEUED, Step.CANCEL): State.CANCELLED,
    (State.RUNNING, Step.SUCCEED): State.SUCCEEDED,
    (State.RUNNING, Step.FAIL): State.FAILED,
    (State.RUNNING, Step.AGAIN): State.QUEUED,
    (State.RUNNING, Step.RELEASE): State.QUEUED,
    (State.RUNNING, Step.CANCEL): State.CANCELLING,
    # Its kernel may have been stopped by somebody else than the table.
    (State.RUNNING, Step.STOP): State.CANCELLED,
    # Work that was finished before its worker heard of the wish is kept; nothing that is unwanted runs again.
    (State.CANCELLING, Step.SUCCEED): State.SUCCEEDED,
    (State.CANCELLING, Step.FAIL): State.CANCELLED,
    (State.CANCELLING, Step.AGAIN): State.CANCELLED,
    (State.CANCELLING, Step.RELEASE): State.CANCELLED,
    (State.CANCELLING, Step.CANCEL): State.CANCELLING,
    (State.CANCELLING, Step.STOP): State.CANCELLED,
    (State.CANCELLED, Step.CANCEL): State.CANCELLED,
    (State.CANCELLED, Step.RETRY): State.QUEUED,
    (State.FAILED, Step.RETRY): State.QUEUED,
}

_WHAT_TO_DO = {
    Step.CANCEL: "a finished job cannot be cancelled; submit another, or remove it with prune",
    Step.RETRY: "only failed and cancelled jobs are retried",
}


def after(state: State, step: Step) -> State:
    """The state that a step leads to.

    Raises
    ------
    JobError
        Reason ``wrong-state``: that cannot happen to a job in that state.

    Examples
    --------
    >>> after(State.QUEUED, Step.CLAIM)
    <State.RUNNING: 'running'>
    """
    try:
        return MOVES[state, step]
    except KeyError:
        raise JobError(
            f"cannot {step} a job that is {state}",
            reason="wrong-state",
            hint=_WHAT_TO_DO.get(step, "look at it with speaksep jobs show"),
        ) from None
