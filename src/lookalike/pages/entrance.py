"""Who may see the pages: signing in with the key, and the session that follows."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from lookalike.errors import AccessDenied
from lookalike.pages.render import link, page
from lookalike.pages.visitor import COOKIE, gate_of

__all__ = ["Elsewhere", "local_path", "require_browser", "router"]

router = APIRouter()
_MONTH = 30 * 24 * 3600


class Elsewhere(Exception):
    """Raised by `require_browser`; `response` is what the visitor gets instead of the page."""

    def __init__(self, response: Response) -> None:
        self.response = response


def require_browser(request: Request) -> None:
    """Let a visitor who has signed in pass; a dependency of every page.

    `?key=` in the URL signs in and leads to the same URL without it. Others are led to the sign-in page, or
    refused with AccessDenied where no person would see it (a picture, a form sent from another site).
    """
    gate = gate_of(request)
    presented = request.query_params.get("key")
    if presented is not None and request.method == "GET":
        raise Elsewhere(_signed_in(request, _without_key(request)) if gate.admits_key(presented) else _refused(request))
    if gate.admits_browser(request):
        if request.method != "GET" and not gate.admits_request(request):
            raise AccessDenied("A form of this service can't be sent from another site")
        return
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        raise AccessDenied("This needs a key")
    if request.headers.get("sec-fetch-site") == "cross-site":
        # The visitor followed another site's link, so the browser kept the cookie back: ask again from here.
        raise Elsewhere(page(request, "onward.html", target=_without_key(request)))
    raise Elsewhere(RedirectResponse(link("/signin", next=_without_key(request)), 303))


@router.get("/signin")
def show_signin(request: Request, next: str = "/") -> Response:  # noqa: A002 - the customary name in URLs
    """Ask for the key, unless the visitor is in already or brings it in the URL."""
    if "key" in request.query_params:
        require_browser(request)
    if gate_of(request).admits_browser(request):
        return RedirectResponse(local_path(next), 303)
    return page(request, "signin.html", next=local_path(next), wrong=False)


@router.post("/signin")
def sign_in(request: Request, key: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/") -> Response:  # noqa: A002
    """Check the key and start a session."""
    if gate_of(request).admits_key(key.strip()):
        return _signed_in(request, local_path(next))
    return _refused(request, local_path(next))


@router.post("/signout")
def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def local_path(target: str) -> str:
    """Return the target if it is a path on this service, else "/": nobody is sent elsewhere from here."""
    plain = target.isprintable() and "\\" not in target
    if not plain or not target.startswith("/") or target.startswith("//"):
        return "/"
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else "/"


def _without_key(request: Request) -> str:
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "key"]
    path = local_path(quote(request.scope["path"]))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _signed_in(request: Request, target: str) -> Response:
    response = RedirectResponse(target, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    response.set_cookie(
        COOKIE,
        gate_of(request).new_session(),
        max_age=_MONTH,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _refused(request: Request, target: str | None = None) -> Response:
    return page(request, "signin.html", 401, next=target or _without_key(request), wrong=True)
