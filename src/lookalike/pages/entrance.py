"""Who may see the pages: signing in with a key or as a user, and the session that follows."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from lookalike.errors import AccessDenied, InvalidArgument, NameTaken
from lookalike.pages.render import link, page
from lookalike.pages.visitor import COOKIE, TOKEN_FIELD, Caller, caller_of, gate_of

__all__ = ["Elsewhere", "local_path", "require_browser", "require_browser_with_files", "router"]

router = APIRouter()
_MONTH = 30 * 24 * 3600
_FEW_FILES, _MANY_FILES, _MOST_FIELDS = 4, 1000, 64


class Elsewhere(Exception):
    """Raised by `require_browser`; `response` is what the visitor gets instead of the page."""

    def __init__(self, response: Response) -> None:
        self.response = response


async def require_browser(request: Request) -> None:
    """Let a visitor who has signed in pass; a dependency of every page.

    `?key=` in the URL signs in and leads to the same URL without it. Others are led to the sign-in page, or
    refused with AccessDenied where no person would see it (a picture, a form sent from another site). Whoever may not
    read the collection of the page gets NotPermitted.
    """
    await _let_in(request, _FEW_FILES)


async def require_browser_with_files(request: Request) -> None:
    """Let a visitor pass as `require_browser` does, with a form of up to a thousand files."""
    await _let_in(request, _MANY_FILES)


async def _let_in(request: Request, most_files: int) -> None:
    if request.query_params.get("key") is not None and request.method == "GET":
        raise Elsewhere(await run_in_threadpool(_by_url, request))
    caller = await run_in_threadpool(caller_of, request)
    if caller is not None:
        if request.method != "GET":
            await _check_token(request, caller, most_files)
        caller.require("read", request.path_params.get("name"))
        return
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        raise AccessDenied("This needs a key")
    if request.headers.get("sec-fetch-site") == "cross-site":
        # The visitor followed another site's link, so the browser kept the cookie back: ask again from here.
        raise Elsewhere(page(request, "onward.html", target=_without_key(request)))
    raise Elsewhere(RedirectResponse(link("/signin", next=_without_key(request)), 303))


@router.get("/signin")
def show_signin(request: Request, next: str = "/") -> Response:  # noqa: A002 - the customary name in URLs
    """Ask for the key or a name, unless the visitor is in already or brings a key in the URL."""
    if "key" in request.query_params:
        return _by_url(request)
    if caller_of(request) is not None:
        return RedirectResponse(local_path(next), 303)
    return page(request, "signin.html", next=local_path(next), trouble="", name="", signup=gate_of(request).signup)


@router.post("/signin")
def sign_in(
    request: Request,
    key: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Check the key, or the name and the password, and start a session."""
    gate, address = gate_of(request), _address(request)
    if not _from_here(request):
        return _refused(request, local_path(next), "That form came from another site. Sign in here.")
    try:
        cookie = gate.sign_in_user(name, password, address) if name else gate.sign_in(key, address)
    except AccessDenied:
        reason = "The name or the password is wrong." if name else "That is not the key of this service."
        return _refused(request, local_path(next), reason, name)
    return _signed_in(request, cookie, local_path(next))


@router.get("/signup")
def show_signup(request: Request) -> Response:
    """Ask for a name and a password, where strangers may make themselves an account."""
    return page(request, "signup.html", trouble="", name="", signup=gate_of(request).signup)


@router.post("/signup")
def sign_up(request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
    """Make an account that reads, and start its session."""
    try:
        if not _from_here(request):
            raise AccessDenied("That form came from another site")
        cookie = gate_of(request).sign_up(name, password, _address(request))
    except (InvalidArgument, NameTaken) as error:
        return page(request, "signup.html", 422, trouble=str(error), name=name, signup=gate_of(request).signup)
    return _signed_in(request, cookie, "/")


@router.post("/signout")
def sign_out(request: Request) -> Response:
    """End the session of this browser; another site may not."""
    response = RedirectResponse("/signin", 303)
    if _from_here(request):
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


async def _check_token(request: Request, caller: Caller, most_files: int) -> None:
    try:
        gate_of(request).check_token(request, caller, await _token(request, most_files))
    except AccessDenied:
        await request.close()  # the files of its form, which nobody will read
        raise


async def _token(request: Request, most_files: int) -> str:
    """Return the token that the request brings, in its header or in its form, which stays to be read again."""
    if "x-csrf-token" in request.headers:
        return request.headers["x-csrf-token"]
    if not request.headers.get("content-type", "").startswith(("multipart/form-data", "application/x-www-form-urlen")):
        return ""
    form = await request.form(max_files=most_files, max_fields=_MOST_FIELDS)
    return str(form.get(TOKEN_FIELD, ""))


def _from_here(request: Request) -> bool:
    """Whether no other site's page sent a form that begins or ends a session."""
    origin = request.headers.get("origin")
    said = request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
    return said and (origin is None or urlsplit(origin).netloc == request.headers.get("host"))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _by_url(request: Request) -> Response:
    target = _without_key(request)
    try:
        cookie = gate_of(request).sign_in(request.query_params["key"], _address(request))
    except AccessDenied:
        return _refused(request, target, "That is not the key of this service.")
    return _signed_in(request, cookie, target)


def _signed_in(request: Request, cookie: str, target: str) -> Response:
    response = RedirectResponse(target, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=_MONTH,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _refused(request: Request, target: str, trouble: str, name: str = "") -> Response:
    """Ask again; name: as it was typed, if it was by a name that someone tried."""
    return page(request, "signin.html", 401, next=target, trouble=trouble, name=name, signup=gate_of(request).signup)
