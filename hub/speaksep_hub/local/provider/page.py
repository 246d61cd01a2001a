"""The pages of the provider: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from speaksep_hub.local.provider.personas import ABOUT, NAME

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 8vh auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
p { margin: .25rem 0 1.25rem; }
ul { list-style: none; padding: 0; margin: 0 0 1.5rem; }
li { margin: 0 0 .5rem; }
button, input, select { font: inherit; padding: .5rem .75rem; border: 1px solid GrayText; border-radius: .4rem; }
button { cursor: pointer; }
li button { display: block; width: 100%; text-align: left; }
li button strong { display: block; text-transform: capitalize; }
fieldset { border: 1px solid GrayText; border-radius: .4rem; padding: 1rem; margin: 0 0 1rem;
  display: flex; gap: .75rem; flex-wrap: wrap; align-items: end; }
label { display: block; }
label input, label select { display: block; height: 2.75rem; box-sizing: border-box; }
[role=alert] { border-left: .3rem solid #c33; padding-left: .75rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def sign_in_page(hub_url: str, problem: str) -> HTMLResponse:
    """Who one may be.

    Parameters
    ----------
    hub_url
        Where the form leads in the end.
    problem
        Why the last try failed; empty if there was none.
    """
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    buttons = "".join(
        f'<li><form method="post"><input type="hidden" name="role" value="{role}">'
        f'<button name="name" value="{role}"><strong>{role}</strong>{escape(about)}</button></form></li>'
        for role, about in ABOUT.items()
    )
    options = "".join(f"<option>{role}</option>" for role in ABOUT)
    body = f"""
<h1>Sign in to SpeakSep</h1>
<p>On this machine you may be anybody; nobody else can sign in here. No password is asked for.</p>
{alert}<ul>{buttons}</ul>
<form method="post"><fieldset><legend>Somebody else</legend>
<label>Name <input name="name" required pattern="{NAME.pattern}" autocomplete="off"
  title="two to 32 lower-case letters, digits and hyphens"></label>
<label>Role <select name="role">{options}</select></label>
<button>Sign in</button></fieldset></form>
<form method="post"><button name="cancel" value="yes" formnovalidate>Cancel</button></form>"""
    return _page("Sign in", body, 400 if problem else 200, hub_url)


def refusal_page(why: str) -> HTMLResponse:
    """Why there is no sign-in."""
    return _page("No sign-in", f"<h1>No sign-in</h1><p>{escape(why[:1].upper() + why[1:])}.</p>", 403)


def goodbye_page(hub_url: str) -> HTMLResponse:
    """After signing out."""
    back = escape(hub_url, quote=True)
    return _page("Signed out", f'<h1>Signed out</h1><p><a href="{back}">Back to SpeakSep</a></p>', 200)


def _page(title: str, body: str, status: int, hub_url: str = "") -> HTMLResponse:
    document = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} – SpeakSep</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body><main>{body}</main>'
        "</body></html>"
    )
    hub = urlsplit(hub_url)
    # Browsers hold the address that a form leads to in the end against form-action, too.
    leads_to = f"'self' {hub.scheme}://{hub.netloc}" if hub_url else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {leads_to}; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return HTMLResponse(
        document,
        status,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",  # with none at all, browsers would not even say that a form is from here
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
    )
