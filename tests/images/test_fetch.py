"""Pictures by URL: nothing but the public internet is ever dialed, whatever URL, resolver or server say."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from lookalike.errors import ImageError, ImageTooLarge, InvalidArgument, UrlRefused, UrlUnreachable
from lookalike.images import Limits, read_image
from lookalike.images.addresses import host_address, is_public, read_networks
from lookalike.images.fetch import SYSTEM, Network, fetch, shown
from lookalike.images.image import Fetching
from lookalike.settings import Settings

PUBLIC = "93.184.216.34"
QUICK = Fetching(seconds=2.0, connect=0.5, first_byte=0.5)

# What a hostile resolver may say: every name an attacker controls, and where it leads.
NAMES = {
    "good.test": [PUBLIC],
    "good6.test": ["2606:2800:220:1::1"],
    "localhost": ["127.0.0.1", "::1"],
    "loop.test": ["127.0.0.1"],
    "loop6.test": ["::1"],
    "any.test": ["0.0.0.0"],
    "ten.test": ["10.0.0.8"],
    "lan.test": ["192.168.1.1"],
    "mid.test": ["172.16.5.4"],
    "link.test": ["169.254.169.254"],
    "link6.test": ["fe80::1"],
    "scoped.test": ["fe80::1%eth0"],
    "unique.test": ["fd00:ec2::254"],
    "cgnat.test": ["100.100.100.200"],
    "multi.test": ["224.0.0.1"],
    "multi6.test": ["ff02::1"],
    "broadcast.test": ["255.255.255.255"],
    "azure.test": ["168.63.129.16"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "compatible.test": ["::127.0.0.1"],
    "sixtofour.test": ["2002:7f00:1::"],
    "teredo.test": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "nat64.test": ["64:ff9b::a9fe:a9fe"],
    "isatap.test": ["2606:2800:220:1:0:5efe:10.0.0.1"],
    "mixed.test": [PUBLIC, "10.0.0.8"],
    "nonsense.test": ["not an address"],
    "none.test": [],
    "metadata.google.internal": ["169.254.169.254"],
    "127.0.0.1.nip.test": ["127.0.0.1"],
}

HOSTILE = [
    # loopback, by every name
    "http://127.0.0.1/",
    "http://127.0.0.1:22/",
    "http://127.8.9.10/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://loop.test/",
    "http://loop6.test/",
    "http://127.0.0.1.nip.test/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://any.test/",
    # private, link-local, shared, multicast, reserved
    "http://10.0.0.8/",
    "http://ten.test/",
    "http://192.168.1.1/",
    "http://lan.test/",
    "http://172.16.5.4/",
    "http://172.31.255.255/",
    "http://mid.test/",
    "http://169.254.169.254/latest/meta-data/",
    "http://link.test/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://link6.test/",
    "http://scoped.test/",
    "http://[fd00:ec2::254]/",
    "http://unique.test/",
    "http://100.64.0.1/",
    "http://cgnat.test/",
    "http://224.0.0.1/",
    "http://multi.test/",
    "http://[ff02::1]/",
    "http://multi6.test/",
    "http://255.255.255.255/",
    "http://broadcast.test/",
    "http://240.0.0.1/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://168.63.129.16/",
    "http://azure.test/",
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://mapped.test/",
    "http://[::127.0.0.1]/",
    "http://compatible.test/",
    "http://[2002:7f00:1::]/",
    "http://sixtofour.test/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://teredo.test/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://nat64.test/",
    "http://[2606:2800:220:1:0:5efe:7f00:1]/",
    "http://isatap.test/",
    "http://[2001:db8::1]/",
    # numbers that are addresses to some
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://1.1.1.0x7f/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    # userinfo, and what parsers disagree about
    "http://good.test@127.0.0.1/",
    "http://127.0.0.1@good.test/",
    "http://user:secret@good.test/",
    "http://@good.test/",
    "http://good.test\\@127.0.0.1/",
    "http://good.test#@127.0.0.1\\/",
    "http://127.0.0.1\t/",
    "http://good.test /",
    "http://good.test\r\nHost: internal/",
    "http://good.test/\r\nX-Injected: yes",
    "http://good.test\x00.evil/",
    "http://good.test:80:80/",
    "http://good.test:0/",
    "http://good.test:99999/",
    "http://good.test:port/",
    "http://[127.0.0.1/",
    "http://[v1.fe80]/",
    "http://good..test/",
    "http://-/../",
    "http:///etc/passwd",
    "http://",
    "http:good.test/",
    "https://ten.test/",
    # other schemes
    "ftp://good.test/a.jpg",
    "file:///etc/passwd",
    "gopher://good.test:70/_GET",
    "dict://good.test:11211/stats",
    "ldap://good.test/",
    "//good.test/a.jpg",
    "jar:http://good.test!/a",
    # resolvers that lie
    "http://mixed.test/",
    "http://nonsense.test/",
]


class Server:
    """A server on loopback that plays every public host: it says `answers[path]`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | list[bytes]] = {}
        self.asked: list[str] = []
        self.dialed: list[tuple[str, int]] = []
        self.resolved: list[str] = []
        self.names = {name: [list(found)] for name, found in NAMES.items()}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = True
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def network(self) -> Network:
        return Network(self._resolve, self._dial)

    def _resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(-2, "Name or service not known")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _dial(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialed.append((address, port))
        return SYSTEM.dial("127.0.0.1", self._listener.getsockname()[1], seconds)

    def _serve(self) -> None:
        while self._open:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = line.recv(4096)
                if not piece:
                    return
                head += piece
            self.asked.append(head.decode("latin-1"))
            answer = self.answers.get(head.split(b" ")[1].decode(), b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n")
            for piece in [answer] if isinstance(answer, bytes) else answer:
                line.sendall(piece)
                if isinstance(answer, list):
                    time.sleep(0.1)

    def close(self) -> None:
        self._open = False
        self._listener.close()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


def ok(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def to(target: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


def get(server, url, rules=QUICK):
    return fetch(url, rules, network=server.network)


def test_there_are_enough_hostile_urls():
    assert len(set(HOSTILE)) >= 100


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_and_nothing_is_dialed(server, url):
    with pytest.raises(UrlRefused) as caught:
        get(server, url)
    assert server.dialed == []
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", [url for url in HOSTILE if url.isascii() and url.isprintable()])
def test_a_redirect_to_a_hostile_url_is_not_followed(server, url):
    """A Location is text of the attacker's; the one address dialed is the public one that gave it."""
    server.answers["/a"] = to(url)
    with pytest.raises(ImageError):
        get(server, "http://good.test/a")
    assert {address for address, _ in server.dialed} == {PUBLIC}


def test_a_public_url_gives_its_bytes(server):
    server.answers["/a.jpg"] = ok(b"bytes", "Content-Type: text/html")
    assert get(server, "http://good.test/a.jpg") == b"bytes"
    assert get(server, "HTTP://GOOD.TEST:8080/a.jpg#part") == b"bytes"
    assert get(server, f"http://{PUBLIC}/a.jpg") == b"bytes"
    assert get(server, "http://good6.test/a.jpg") == b"bytes"
    assert server.dialed == [(PUBLIC, 80), (PUBLIC, 8080), (PUBLIC, 80), ("2606:2800:220:1::1", 80)]
    assert "Host: good.test\r\n" in server.asked[0]
    assert "Host: good.test:8080\r\n" in server.asked[1]


def test_paths_and_queries_arrive_as_they_were_written(server):
    server.answers["/a%20b/%C3%BC.jpg?x=1&y=a%2Fb"] = ok(b"yes")
    assert get(server, "http://good.test/a%20b/ü.jpg?x=1&y=a%2Fb") == b"yes"


def test_nothing_is_resolved_twice_so_that_nothing_can_be_rebound(server):
    server.names["rebind.test"] = [[PUBLIC], ["127.0.0.1"]]
    server.answers["/"] = ok(b"first")
    assert get(server, "http://rebind.test/") == b"first"
    assert server.resolved == ["rebind.test"]
    with pytest.raises(UrlRefused):
        get(server, "http://rebind.test/")
    assert server.dialed == [(PUBLIC, 80)]


def test_a_host_rebound_between_hops_is_judged_again(server):
    server.names["rebind.test"] = [[PUBLIC], ["10.0.0.1"]]
    server.answers["/a"] = to("/b")
    server.answers["/b"] = ok(b"inside")
    with pytest.raises(UrlRefused):
        get(server, "http://rebind.test/a")
    assert server.dialed == [(PUBLIC, 80)]


def test_redirects_are_followed_and_counted(server):
    for step in range(5):
        server.answers[f"/{step}"] = to(f"{step + 1}", (301, 302, 303, 307, 308)[step])
    server.answers["/5"] = ok(b"there")
    assert get(server, "http://good.test/0") == b"there"
    with pytest.raises(UrlUnreachable, match="more than 4 times"):
        get(server, "http://good.test/0", replace(QUICK, redirects=4))
    server.answers["/round"] = to("/round")
    with pytest.raises(UrlUnreachable, match="redirects more"):
        get(server, "http://good.test/round")
    server.answers["/nowhere"] = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(UrlUnreachable, match="nowhere"):
        get(server, "http://good.test/nowhere")


def test_bytes_are_counted_whatever_the_header_says(server):
    small = replace(QUICK, bytes=1000)
    server.answers["/exact"] = ok(b"x" * 1000)
    assert len(get(server, "http://good.test/exact", small)) == 1000
    server.answers["/declared"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    server.answers["/endless"] = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000
    server.answers["/chunks"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"200\r\n" * 1 + (b"x" * 512 + b"\r\n200\r\n") * 20
    )
    for path in ("declared", "endless", "chunks"):
        with pytest.raises(ImageTooLarge) as caught:
            get(server, f"http://good.test/{path}", small)
        assert caught.value.limit == 1000


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 206 Part\r\nContent-Length: 0\r\n\r\n", "status 206"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx", "can't be reached"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "can't be reached"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "can't be reached"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "can't be reached"),
        (b"", "can't be reached"),
    ],
)
def test_answers_that_are_none(server, answer, why):
    server.answers["/"] = answer
    with pytest.raises(UrlUnreachable, match=why):
        get(server, "http://good.test/")


def test_time_is_limited_to_the_first_byte_and_in_all(server):
    server.answers["/silent"] = [b"", b"", b"", b"", b"", b"", b"", b"", b"HTTP/1.1 200 OK\r\n\r\n"]
    with pytest.raises(UrlUnreachable, match="too long"):
        get(server, "http://good.test/silent", replace(QUICK, first_byte=0.2))
    server.answers["/drip"] = [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 90]
    with pytest.raises(UrlUnreachable, match="too long"):
        get(server, "http://good.test/drip", replace(QUICK, seconds=0.5))
    server.answers["/slow"] = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 90]
    with pytest.raises(UrlUnreachable, match="too long"):
        get(server, "http://good.test/slow", replace(QUICK, seconds=0.5))


def test_a_resolver_that_never_answers_is_left_behind():
    release = threading.Event()

    def never(host, port):
        release.wait(30)
        return [PUBLIC]

    with pytest.raises(UrlUnreachable, match="in time"):
        fetch("http://good.test/", replace(QUICK, seconds=0.2), network=Network(never, SYSTEM.dial))
    release.set()


def test_the_next_address_is_tried_and_the_reason_told(server):
    server.names["two.test"] = [["2606:2800:220:1::1", PUBLIC]]
    server.answers["/"] = ok(b"second")
    dial = server._dial

    def no_ipv6(address, port, seconds):
        if ":" in address:
            raise OSError(101, "Network is unreachable")
        return dial(address, port, seconds)

    assert fetch("http://two.test/", QUICK, network=Network(server._resolve, no_ipv6)) == b"second"
    with pytest.raises(UrlUnreachable, match="Network is unreachable"):
        fetch("http://good6.test/", QUICK, network=Network(server._resolve, no_ipv6))
    for host in ("unknown.test", "none.test"):
        with pytest.raises(UrlUnreachable, match="host"):
            get(server, f"http://{host}/")


def test_encrypted_hosts_must_prove_who_they_are(server, monkeypatch):
    seen = {}

    class Context:
        def wrap_socket(self, plain, server_hostname):
            seen["host"] = server_hostname
            return plain

    import ssl

    real = ssl.create_default_context()
    assert real.check_hostname
    assert real.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(UrlUnreachable):  # the server speaks no TLS: nothing is sent in the clear
        get(server, "https://good.test/")
    assert not any("GET" in head for head in server.asked)
    monkeypatch.setattr(ssl, "create_default_context", lambda: Context())
    server.answers["/"] = ok(b"safe")
    assert get(server, "https://good.test./") == b"safe"
    assert seen == {"host": "good.test"}
    assert server.dialed[-1] == (PUBLIC, 443)


def test_operators_may_allow_networks_by_name(server):
    server.answers["/"] = ok(b"inside")
    rules = replace(QUICK, networks="10.0.0.0/24, fd00:ec2::/32")
    assert get(server, "http://ten.test/", rules) == b"inside"
    assert get(server, "http://mapped.test/", rules) == b"inside"
    assert get(server, "http://unique.test/", rules) == b"inside"
    assert get(server, "http://mixed.test/", rules) == b"inside"
    for host in ("loop.test", "lan.test", "link.test"):
        with pytest.raises(UrlRefused):
            get(server, f"http://{host}/", rules)


def test_proxies_of_the_environment_play_no_part(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://10.0.0.9:3128")
    server.answers["/"] = ok(b"direct")
    assert get(server, "http://good.test/") == b"direct"
    assert server.dialed == [(PUBLIC, 80)]


def test_fetching_can_be_turned_off(server):
    with pytest.raises(UrlRefused, match="not fetched here"):
        get(server, "http://good.test/", replace(QUICK, seconds=0))
    assert server.resolved == []


def test_messages_keep_secrets():
    assert shown("https://user:pass@host.test/a.jpg?token=secret#x") == "https://host.test/a.jpg"
    assert len(shown("http://host.test/" + "a" * 5000)) == 200


def test_settings_become_rules():
    settings = Settings.load({"LOOKALIKE_FETCH_NETWORKS": "10.0.0.0/8", "LOOKALIKE_FETCH_SECONDS": "3"})
    assert settings.limits.fetching == Fetching(networks="10.0.0.0/8", seconds=3)
    with pytest.raises(InvalidArgument, match="fetch_networks"):
        Settings.load({"LOOKALIKE_FETCH_NETWORKS": "the office"})


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(text):
    assert is_public(host_address(text))


def test_every_border_of_the_private_networks():
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"):
        (network,) = read_networks(text)
        assert not is_public(network[0])
        assert not is_public(network[-1])
        assert is_public(network[0] - 1)
        assert is_public(network[-1] + 1)


def test_a_picture_is_read_by_its_url(server, draw, save, tmp_path):
    data = save(draw(1), tmp_path / "a.png").read_bytes()
    server.answers["/a.png?size=full"] = ok(data)
    port = server._listener.getsockname()[1]
    local = Limits(fetching=replace(QUICK, networks="127.0.0.1"))
    picture = read_image(f"http://127.0.0.1:{port}/a.png?size=full", limits=local)
    assert (picture.width, picture.height, picture.source) == (320, 240, f"http://127.0.0.1:{port}/a.png")
    with pytest.raises(UrlRefused):
        read_image(f"http://127.0.0.1:{port}/a.png?size=full")
    with pytest.raises(ImageTooLarge):
        read_image(f"http://127.0.0.1:{port}/a.png?size=full", limits=replace(local, bytes=10))
