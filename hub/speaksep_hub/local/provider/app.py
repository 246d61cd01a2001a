"""The endpoints: authorize, token, userinfo, end of session, discovery."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from speaksep_hub.local.provider.grants import Grants
from speaksep_hub.local.provider.page import goodbye_page, refusal_page, sign_in_page
from speaksep_hub.local.provider.peer import may_come
from speaksep_hub.local.provider.personas import persona
from speaksep_kernel.errors import InputError

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True)
class Provider:
    """The provider of one hub.

    Parameters
    ----------
    grants
        Codes and tokens.
    hub_url
        Address of the hub; codes are sent nowhere else.
    groups
        Role to the groups that give it.
    """

    grants: Grants
    hub_url: str
    groups: Mapping[str, tuple[str, ...]]

    @property
    def redirect_uri(self) -> str:
        """The one address that codes are sent to."""
        return f"{self.hub_url.rstrip('/')}/hub/oauth_callback"

    def app(self) -> ASGIApp:
        """For an ASGI server."""
        routes = [
            Route("/oauth2/authorize", self.ask, methods=["GET"]),
            Route("/oauth2/authorize", self.decide, methods=["POST"]),
            Route("/oauth2/token", self.token, methods=["POST"]),
            Route("/userinfo", self.userinfo, methods=["GET", "POST"]),
            Route("/oauth2/end_session", self.goodbye, methods=["GET"]),
            Route("/.well-known/openid-configuration", self.discovery, methods=["GET"]),
            Route("/jwks", self.keys, methods=["GET"]),
        ]
        return OnlyOurs(Starlette(routes=routes))

    async def ask(self, request: Request) -> Response:
        """The page on which people say who they are."""
        if wrong := self._wrong(request.query_params):
            return refusal_page(wrong)
        return sign_in_page(self.hub_url, "")

    async def decide(self, request: Request) -> Response:
        """Send the browser back to the hub with a code, or with a refusal."""
        query, form = request.query_params, await request.form()
        if wrong := self._wrong(query):
            return refusal_page(wrong)
        if request.headers.get("origin", self.grants.issuer) != self.grants.issuer:
            return refusal_page("the form was sent by another site")
        answer = {"state": query.get("state", "")}
        if "cancel" in form:
            answer["error"] = "access_denied"
        else:
            try:
                somebody = persona(_text(form, "name"), _text(form, "role"), self.groups)
            except InputError as error:
                return sign_in_page(self.hub_url, str(error))
            answer["code"] = self.grants.code(
                somebody,
                redirect_uri=self.redirect_uri,
                challenge=query.get("code_challenge", ""),
                nonce=query.get("nonce", ""),
            )
        return RedirectResponse(f"{self.redirect_uri}?{urlencode(answer)}", 303)

    async def token(self, request: Request) -> Response:
        """A code becomes a token, for the client alone."""
        form = await request.form()
        client_id, secret = _credentials(request, form)
        known = secrets.compare_digest(client_id.encode(), self.grants.client_id.encode())
        if not (known & secrets.compare_digest(secret.encode(), self.grants.client_secret.encode())):
            return _refused(401, "invalid_client", "client_id or client_secret is wrong")
        if _text(form, "grant_type") != "authorization_code":
            return _refused(400, "unsupported_grant_type", "authorization_code is the only one")
        try:
            found = self.grants.tokens(
                _text(form, "code"), redirect_uri=_text(form, "redirect_uri"), verifier=_text(form, "code_verifier")
            )
        except InputError as error:
            return _refused(400, error.reason, error.error)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def userinfo(self, request: Request) -> Response:
        """Claims of whoever the token is of."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if kind.lower() != "bearer":
                raise InputError("no bearer token", reason="invalid_token")
            return JSONResponse(self.grants.claims(token), headers={"Cache-Control": "no-store"})
        except InputError as error:
            return _refused(401, error.reason, error.error, {"WWW-Authenticate": f'Bearer error="{error.reason}"'})

    async def goodbye(self, request: Request) -> Response:
        """The end of a session. There is none here, so all there is to do is to go back, and only to the hub."""
        target = request.query_params.get("post_logout_redirect_uri", "")
        if urlsplit(target)[:2] == urlsplit(self.hub_url)[:2]:
            return RedirectResponse(target, 303)
        return goodbye_page(self.hub_url)

    async def discovery(self, request: Request) -> Response:
        """What OpenID Connect Discovery 1.0 asks for."""
        issuer = self.grants.issuer
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/oauth2/authorize",
                "token_endpoint": f"{issuer}/oauth2/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "end_session_endpoint": f"{issuer}/oauth2/end_session",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["HS256"],
                "scopes_supported": ["openid", "profile", "groups"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": ["sub", "preferred_username", "name", "groups"],
            }
        )

    async def keys(self, request: Request) -> Response:
        """None are public: identity tokens are signed with the client's secret."""
        return JSONResponse({"keys": []})

    def _wrong(self, query: QueryParams) -> str:
        """Why an authorization request cannot even be answered to the client; empty if it can."""
        if query.get("client_id") != self.grants.client_id:
            return "no such client"
        if query.get("redirect_uri") != self.redirect_uri:
            return "the hub's address is another one (redirect_uri)"
        if query.get("response_type") != "code" or not query.get("state"):
            return "this is no request for a code with a state"
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return "PKCE with S256 is required"
        return ""


class OnlyOurs:
    """Lets in only processes of the user that runs this one, and only by an address of loopback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] == "http":
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").rpartition(":")[0]
            peer, own = scope.get("client"), scope.get("server")
            # The name is looked at because a page elsewhere may have its own name point to this machine.
            if host not in HOSTS or not peer or not own or not may_come(peer[0], peer[1], own[1]):
                await refusal_page(
                    "this sign-in is for the user of this machine who started the hub, and for nobody else"
                )(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _credentials(request: Request, form: FormData) -> tuple[str, str]:
    """Of the client, from the header or from the form (RFC 6749, 2.3.1)."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return _text(form, "client_id"), _text(form, "client_secret")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _refused(status: int, reason: str, why: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"error": reason, "error_description": why}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **(headers or {})})
