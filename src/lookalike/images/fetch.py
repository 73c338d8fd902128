"""Pictures by URL: the only code that opens one, and only towards public addresses.

Each hop resolves its host once, judges every address it got, and connects to one of those as a number: nothing is
resolved a second time, so that nothing can be rebound between check and use. Proxies of the environment play no part.
The Content-Type is ignored: the bytes decide what a picture is.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from lookalike.counting import fetches
from lookalike.errors import ImageError, ImageTooLarge, UrlRefused, UrlUnreachable
from lookalike.images.addresses import host_address, is_allowed
from lookalike.images.image import Fetching
from lookalike.version import __version__

__all__ = ["SYSTEM", "Network", "fetch", "shown"]

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_PIECE: Final = 1 << 16
_AS_IS: Final = "/%:@!$&'()*+,;=~?"
_STRANGE: Final = re.compile(r"[\x00-\x20\x7f\\]")  # parsers disagree about these, and attackers live on that
_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?")
_NUMERIC: Final = re.compile(r"(.*\.)?(0[xX][0-9a-fA-F]*|[0-9]+)\.?")


@dataclass(frozen=True, slots=True)
class Network:
    """What the system does for a fetch.

    resolve: (host, port) -> addresses as text, OSError if there are none. dial: (address, port, seconds) -> a
    connected socket; the address is a number, never a name.
    """

    resolve: Callable[[str, int], Sequence[str]]
    dial: Callable[[str, int, float], socket.socket]


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _dial(address: str, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(seconds)
        opened.connect((address, port))
    except BaseException:
        opened.close()
        raise
    return opened


SYSTEM: Final = Network(_resolve, _dial)


def fetch(url: str, rules: Fetching = Fetching(), *, network: Network = SYSTEM) -> bytes:
    """Return the bytes behind an http(s) URL, following at most `rules.redirects` redirects.

    Raises UrlRefused for a URL that isn't followed (another scheme, credentials, a host written oddly, an address
    that is neither public nor in an allowed network), UrlUnreachable if the host doesn't answer as it should in
    time, ImageTooLarge as soon as more than `rules.bytes` bytes have come.
    """
    try:
        data = _followed(url, rules, network)
    except ImageError as error:
        fetches.add(error.code)
        raise
    fetches.add("ok")
    return data


def _followed(url: str, rules: Fetching, network: Network) -> bytes:
    name = shown(url)
    if not rules.seconds:
        raise UrlRefused(name, "URLs are not fetched here", "Send the picture itself, or set LOOKALIKE_FETCH_SECONDS.")
    deadline = time.monotonic() + rules.seconds
    for _ in range(rules.redirects + 1):
        parts = _read_url(url, name)
        with _answer(parts, rules, deadline, network, name) as answer:
            if answer.status not in _REDIRECTS:
                return _body(answer, rules.bytes, name)
            target = answer.getheader("Location")
        if not target:
            raise UrlUnreachable(name, "it redirects to nowhere")
        url = _joined(url, target, name)
    raise UrlUnreachable(name, f"it redirects more than {rules.redirects} times")


def shown(url: str) -> str:
    """Return a URL as messages may show it: without credentials and query, which may be secret, and not too long."""
    plain = re.sub(r"//[^/?#]*@", "//", url.split("#")[0].split("?")[0])
    plain = _STRANGE.sub("?", plain)
    return plain if len(plain) <= 200 else f"{plain[:197]}..."


def _read_url(url: str, name: str) -> SplitResult:
    """Split a URL that every parser reads alike; any other is refused."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise UrlRefused(name, f"it is no URL ({error})") from None
    if _STRANGE.search(url):
        raise UrlRefused(name, "it has blanks, backslashes or control characters")
    if parts.scheme not in ("http", "https"):
        raise UrlRefused(name, "only http and https are fetched")
    if "@" in parts.netloc:
        raise UrlRefused(name, "it carries a user name or a password")
    if not host or port == 0:
        raise UrlRefused(name, "it names no host")
    return parts


def _joined(url: str, target: str, name: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise UrlRefused(name, f"it redirects to no URL ({error})") from None


def _host(parts: SplitResult, name: str) -> str:
    """Return the host as ASCII: a name, or a number in its one plain form."""
    host = parts.hostname or ""
    if host_address(host) is not None:
        return host
    try:
        plain = host.encode("idna").decode("ascii")
    except UnicodeError:
        plain = ""
    if "[" in parts.netloc or not _NAME.fullmatch(plain):
        raise UrlRefused(name, "its host is no name and no address")
    if _NUMERIC.fullmatch(plain):  # 127.1, 0x7f000001, 017700000001: addresses to some, names to others
        raise UrlRefused(name, "its host is a number that isn't written as a plain address")
    return plain.rstrip(".")


def _addresses(host: str, port: int, rules: Fetching, deadline: float, network: Network, name: str) -> list[str]:
    """Resolve a host once. A single address that isn't allowed refuses them all: such answers are made to deceive."""
    literal = host_address(host)
    found = [str(literal)] if literal is not None else _resolved(host, port, deadline, network, name)
    if not found:
        raise UrlUnreachable(name, "its host has no address")
    addresses = [host_address(text) for text in found]
    if not all(address is not None and is_allowed(address, rules.networks) for address in addresses):
        raise UrlRefused(
            name,
            "its host is not on the public internet",
            "The operator may allow a network (LOOKALIKE_FETCH_NETWORKS).",
        )
    return [str(address) for address in addresses]


def _resolved(host: str, port: int, deadline: float, network: Network, name: str) -> Sequence[str]:
    """Ask the resolver, which knows no time limit, from a thread that may be left behind."""
    answers: list[Sequence[str]] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(network.resolve(host, port))
        except (OSError, UnicodeError) as error:
            failures.append(error)

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not answers:
        raise UrlUnreachable(name, "its host can't be found" if failures else "its host could not be found in time")
    return answers[0]


@contextmanager
def _answer(
    parts: SplitResult, rules: Fetching, deadline: float, network: Network, name: str
) -> Iterator[http.client.HTTPResponse]:
    """Ask one hop, and yield its answer with the body unread."""
    host = _host(parts, name)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _addresses(host, port, rules, deadline, network, name)
    try:
        with closing(_connected(addresses, port, rules, deadline, network)) as plain:
            plain.settimeout(_left(deadline))
            with closing(_encrypted(plain, host) if parts.scheme == "https" else plain) as line:
                _send(line, parts, host)
                timed = _Timed(line, deadline, min(deadline, time.monotonic() + rules.first_byte))
                answer = http.client.HTTPResponse(timed, method="GET")  # type: ignore[arg-type]  # reads makefile only
                answer.begin()
                yield answer
    except TimeoutError:
        raise UrlUnreachable(name, "it takes too long to answer") from None
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: chunk sizes that are no numbers
        raise UrlUnreachable(name, f"it can't be reached ({_reason(error)})") from None


def _connected(
    addresses: Sequence[str], port: int, rules: Fetching, deadline: float, network: Network
) -> socket.socket:
    trouble: OSError = OSError("no address")
    for address in addresses:
        try:
            return network.dial(address, port, min(rules.connect, _left(deadline)))
        except OSError as error:
            trouble = error
    raise trouble


def _encrypted(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _send(line: socket.socket, parts: SplitResult, host: str) -> None:
    target = quote(parts.path or "/", safe=_AS_IS) + (f"?{quote(parts.query, safe=_AS_IS)}" if parts.query else "")
    named = f"[{host}]" if ":" in host else host
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {named}" + (f":{parts.port}" if parts.port else ""),
        f"User-Agent: lookalike/{__version__}",
        "Accept: image/*,*/*;q=0.5",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))


def _body(answer: http.client.HTTPResponse, limit: int, name: str) -> bytes:
    if answer.status != 200:
        raise UrlUnreachable(name, f"it answers with status {answer.status}")
    if answer.length is not None and answer.length > limit:
        raise ImageTooLarge(name, size=answer.length, limit=limit, unit="bytes")
    taken = bytearray()
    while piece := answer.read(min(_PIECE, limit + 1 - len(taken))):
        taken += piece
        if len(taken) > limit:
            raise ImageTooLarge(name, size=len(taken), limit=limit, unit="bytes")
    if answer.length:
        raise UrlUnreachable(name, "it broke off before its end")
    return bytes(taken)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


class _Timed(io.RawIOBase):
    """A socket to read from, each read within what is left of the time: a drip of bytes doesn't prolong it."""

    def __init__(self, line: socket.socket, deadline: float, first: float) -> None:
        self._line, self._deadline, self._first = line, deadline, first

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self, _PIECE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(_left(self._first))
        with suppress(ssl.SSLEOFError):  # an end without a farewell; the length tells whether all has come
            count = self._line.recv_into(buffer)
            self._first = self._deadline
            return count
        return 0
