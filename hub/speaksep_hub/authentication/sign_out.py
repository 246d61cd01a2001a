"""A sign-out that is one: what somebody copied of a browser before is worth nothing afterwards."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from jupyterhub.utils import new_token


def signing_out_everywhere(kind: type[Any]) -> type[Any]:
    """The same authenticator, with a sign-out that ends all sessions of that person.

    JupyterHub deletes the cookies of the one browser and forgets what was given to services in that session; its own
    cookie, copied before, would be good for days. What it says is the person's ``cookie_id``, so a new one ends all.

    Parameters
    ----------
    kind
        Class of an OAuth authenticator.
    """

    logout: Any = kind.logout_handler

    class SignOut(logout):  # type: ignore[misc]  # which class it is, only the settings know
        async def default_handle_logout(self) -> None:
            user = self.current_user
            await super().default_handle_logout()
            if user is not None:
                self.signed_out = user.name  # for the audit trail: nothing else in this request says so any more
                sessions = self.db.query(orm.APIToken).filter_by(user_id=user.id)
                for token in sessions.filter(orm.APIToken.session_id.is_not(None)):
                    self.db.delete(token)
                user.orm_user.cookie_id = new_token()
                self.db.commit()

    return type(
        kind.__name__, (kind,), {"logout_handler": SignOut, "__doc__": kind.__doc__, "__module__": kind.__module__}
    )
