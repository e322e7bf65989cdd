"""A hostile hub: what it sends is bounded, and does its work with the client alone (the controls)."""

from __future__ import annotations

import itertools
import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from fakes.hub_server import Fault
from fakes.raw_server import RawServer, endless, head, inflated, whole
from viper.errors import DownloadError
from viper.weights import fetch as fetching
from viper.weights import hub as hubs
from viper.weights import hub_request
from viper.weights.hub import list_repository
from viper.weights.pull import pull

SHA = "a" * 40
FILE = {"rfilename": "config.json", "size": 2, "blobId": "b" * 40}


def listing(*files, **more):
    return json.dumps({"id": "a/b", "sha": SHA, "siblings": list(files), **more}).encode()


@pytest.fixture
def serve(monkeypatch, hub_cache):
    """Start a server in place of the hub, with limits that are reached soon."""
    from huggingface_hub import close_session

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hubs, "_MOST_BYTES", 1_000_000)
    monkeypatch.setattr(hubs, "_TOTAL_S", 0.5)
    monkeypatch.setattr(hub_request, "_START_S", 1.0)
    monkeypatch.setattr(hub_request, "_ERROR_S", 0.5)
    servers = []

    def start(answer):
        close_session()
        server = RawServer(answer).__enter__()
        servers.append(server)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        return server

    yield start
    for server in servers:
        server.__exit__()
    close_session()


def refusal(server):
    with pytest.raises(DownloadError) as caught:
        list_repository("a/b")
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


def slowly(start, part=b"x"):
    yield start
    while True:
        time.sleep(0.05)
        yield part


def redirect(place):
    return whole(b"", f"Location: {place}", status="302 X")


def with_entry(**changes):
    return whole(listing({**FILE, **changes}))


LYING = [head("Content-Length: 99999999999"), listing(FILE) + b" " * 2_000_000]
FLOOD = b"A: " + b"b" * 4000 + b"\r\n"
OK = [b"HTTP/1.1 200 OK\r\n"]
GZIP = "Content-Encoding: gzip"
ANSWERS = {
    "inflates": (lambda: whole(inflated(20), "Content-Encoding: gzip"), "it is compressed ('gzip')"),
    "inflates much": (lambda: whole(b"x", "Content-Encoding: br, zstd"), "it is compressed"),
    "endless": (endless, "larger than 1,000,000 bytes"),
    "endless blanks": (lambda: endless(b" " * 4096), "larger than 1,000,000 bytes"),
    "a size that lies": (lambda: LYING, "larger than"),
    "an endless error": (lambda: endless(status="404 Not Found"), "larger than 100,000 bytes"),
    "an error that inflates": (lambda: whole(inflated(1), GZIP, status="500 X"), "it is compressed"),
    "a slow body": (lambda: slowly(head("Content-Length: 99999")), "is too slow"),
    "slow headers": (lambda: slowly(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), "is too slow"),
    "a slow status line": (lambda: slowly(b"HTTP/1.1 2", b"0"), "is too slow|cannot be reached"),
    "a flood of headers": (lambda: itertools.chain(OK, itertools.repeat(FLOOD)), "cannot be reached"),
    "redirects without end": (lambda: redirect("/again"), "more than 5 times"),
    "a redirect to a file": (lambda: redirect("file:///etc/passwd"), "redirects to file://"),
    "a redirect to a strange scheme": (lambda: redirect("gopher://a.example/"), "redirects to gopher"),
    "a redirect to no port": (lambda: redirect("http://127.0.0.1:abc/"), "redirects to|no address"),
    "a redirect to a large port": (lambda: redirect("http://127.0.0.1:99999/"), "redirects to|no|reached"),
    "a redirect to a long address": (lambda: redirect("/" + "a" * 70_000), "no address|cannot be reached"),
    "a redirect to a control character": (lambda: redirect("http://127.0.0.1/\x01"), "no address|cannot be"),
    "a redirect to half a bracket": (lambda: redirect("http://[::1/"), "not that of a hub"),
    "a redirect to no host": (lambda: redirect("http:///x"), "redirects more than"),
    "deep": (lambda: whole(b"[" * 100_000), "nested deeper|Expecting"),
    "twice": (lambda: whole(b'{"sha": "x", ' + listing(FILE)[1:]), "'sha' occurs twice"),
    "a long number": (lambda: whole(listing(FILE).replace(b": 2", b": 2" + b"0" * 5000)), "5,001 digits"),
    "many values": (lambda: whole(b"[" + b"[]," * 300_000 + b"[]]"), "200,000 values"),
    "many files": (lambda: whole(listing(*[{"rfilename": "a"}] * 20_001)), "more than 20,000 files"),
    "a long name": (lambda: with_entry(rfilename="a" * 2000 + ".json"), "with the name"),
    "a name that is a number": (lambda: with_entry(rfilename=7), "with the name '7'"),
    "a negative size": (lambda: with_entry(size=-1), "of -1 bytes"),
    "a broken size": (lambda: with_entry(size=1.5), "of 1.5 bytes"),
    "a size that is true": (lambda: with_entry(size=True), "of True bytes"),
    "a huge size": (lambda: with_entry(size=10**300), "bytes"),
    "a checksum that is a path": (lambda: with_entry(blobId="../" * 13 + "a"), "without a checksum"),
    "another commit": (lambda: whole(listing(sha="../../x")), "another commit|sha"),
    "not a table": (lambda: whole(listing("x")), "not that of a hub"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_listing_is_refused_in_one_line(serve, name):
    answer, complaint = ANSWERS[name]
    server = serve(lambda line: answer())
    text = refusal(server)
    assert any(part in text for part in complaint.split("|")), text
    assert server.sent < 8_000_000  # with what lies in buffers of the kernel


def test_control_the_client_alone_raises_an_error_of_no_known_kind(serve):
    import httpx
    from huggingface_hub import get_session

    server = serve(lambda line: redirect("http://127.0.0.1:abc/"))
    with pytest.raises(Exception, match="Invalid port") as caught:
        get_session().get(server.url, follow_redirects=True)
    assert not isinstance(caught.value, (httpx.HTTPError, ValueError, OSError))


def test_an_ordinary_listing_is_read(serve):
    serve(lambda line: whole(listing(FILE)))
    assert [file.path for file in list_repository("a/b").files] == ["config.json"]


def test_control_the_client_alone_inflates_a_reply(serve):
    from huggingface_hub import get_session

    server = serve(lambda line: whole(inflated(20), "Content-Encoding: gzip"))
    assert len(get_session().get(server.url).content) == 20_000_000
    assert server.sent < 60_000


def test_control_with_the_limits_raised_a_slow_listing_is_waited_for(serve, monkeypatch):
    body = listing(FILE)

    def answer(line):
        yield head(f"Content-Length: {len(body)}")
        for at in range(0, len(body), 8):
            time.sleep(0.05)
            yield body[at : at + 8]

    server = serve(answer)
    assert "is too slow" in refusal(server)
    monkeypatch.setattr(hubs, "_TOTAL_S", 30.0)
    assert list_repository("a/b").files


@pytest.mark.parametrize(
    ("first", "target", "follows"),
    [
        ("https://hub.example", "https://cdn.example/x", True),
        ("https://hub.example", "https://8.8.8.8/x", True),
        ("http://127.0.0.1:8", "http://localhost:9/x", True),
        ("http://mirror.example", "http://cdn.example/x", True),
        ("https://hub.example", "http://cdn.example/x", False),
        ("https://hub.example", "https://127.0.0.1/x", False),
        ("https://hub.example", "https://localhost/x", False),
        ("https://hub.example", "https://localhost./x", False),
        ("https://hub.example", "https://a.localhost/x", False),
        ("https://hub.example", "https://[::1]/x", False),
        ("https://hub.example", "https://[::ffff:127.0.0.1]/x", False),
        ("https://hub.example", "https://[fe80::1%25eth0]/x", False),
        ("https://hub.example", "https://10.0.0.1/x", False),
        ("https://hub.example", "https://192.168.1.1/x", False),
        ("https://hub.example", "https://169.254.169.254/latest", False),
        ("https://hub.example", "https://metadata.google.internal/x", False),
        ("https://hub.example", "https://router/x", False),
        ("https://hub.example", "https://2130706433/x", False),
        ("https://hub.example", "https://0x7f.0.0.1/x", False),
        ("https://hub.example", "https://127.1/x", False),
        ("https://hub.example", "https://0.0.0.0/x", False),
        ("https://hub.example", "https://127.0.0\u30021/x", False),
        ("https://hub.example", "https://\uff11\uff12\uff17.0.0.1/x", False),
        ("https://hub.example", "https://\u24db\u24de\u24d2alhost/x", False),
        ("https://hub.example", "https://127%2e0.0.1/x", False),
        ("https://hub.example", "https://[::127.0.0.1]/x", False),
        ("https://hub.example", "https://[64:ff9b::7f00:1]/x", False),
        ("https://hub.example", "https://[2606:4700::1111]/x", True),
        ("https://hub.example", "file:///etc/passwd", False),
        ("http://hub.example", "ftp://hub.example/x", False),
    ],
)
def test_a_redirect_leads_neither_inside_nor_to_another_scheme(first, target, follows):
    assert hub_request._may_follow(urlsplit(first), urlsplit(target)) is follows


def test_control_the_client_alone_follows_a_redirect_inside(serve):
    from huggingface_hub import get_session

    def answer(line):
        if "inside" in line:
            return whole(b"secret")
        return whole(b"", "Location: /inside", status="302 X")

    server = serve(answer)
    assert get_session().get(f"{server.url}/outside").content == b"secret"


CODECS = ["punycode", "zlib", "idna", "uu", "unicode_escape"]
REFUSED = b"x-" + b"a" * 60_000


@pytest.mark.parametrize("codec", CODECS)
def test_a_hub_does_not_choose_the_codec_of_an_error(serve, codec):
    serve(lambda line: whole(REFUSED, f"Content-Type: text/plain; charset={codec}", status="403 X"))
    start = time.process_time()
    with pytest.raises(DownloadError) as caught:
        list_repository("a/b")
    assert "\n" not in str(caught.value)
    assert time.process_time() - start < 5


def test_a_hub_is_asked_by_us_alone(serve):
    """The client's own headers ask the hub first which variables it wants to know about."""
    server = serve(lambda line: whole(listing(FILE)))
    list_repository("a/b")
    assert [line.split("?")[0] for line in server.lines] == ["GET /api/models/a/b/revision/main"]


def test_the_headers_hold_the_token_and_our_name_alone(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    headers = hub_request.hub_headers()
    assert headers == {"User-Agent": "viper", "Authorization": "Bearer hf_of_the_user"}


def test_control_the_client_alone_tells_the_hub_about_the_environment(serve, monkeypatch, tmp_path):
    detection = pytest.importorskip("huggingface_hub.utils._detect_agent")
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers

    table = {
        "standardEnvVars": [],
        "harnesses": {"guessed": {"envVars": {"DB_PASSWORD": "hunter2"}}},
    }
    server = serve(lambda line: whole(json.dumps(table).encode()))
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    monkeypatch.setattr(detection, "_registry", None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "table.json"))
    assert "agent/guessed" in build_hf_headers()["user-agent"]
    assert server.lines
    monkeypatch.setattr(detection, "_registry", None)


def test_a_hub_that_breaks_off_after_every_byte_is_given_up(hub, hub_cache, monkeypatch):
    weights = bytes(range(200)) * 5
    hub.add("owner/model", {"config.json": b"{}", "model.safetensors": weights})
    hub.fail("model.safetensors", *[Fault(cut_after=1)] * 90)
    with pytest.raises(DownloadError, match="the connection broke off"):
        pull("owner/model")
    assert len(hub.fetched("model.safetensors")) <= 5
    monkeypatch.setattr(fetching, "_enough", lambda file: 1)
    pull("owner/model")  # control: every byte counts as progress
    assert len(hub.fetched("model.safetensors")) > 80


def test_a_download_that_is_too_slow_counts_as_broken_off(hub, hub_cache, monkeypatch):
    hub.add("owner/model", {"config.json": b"{}", "model.safetensors": b"x" * 300_000})
    monkeypatch.setattr(fetching, "_WINDOW_S", 0.0)
    monkeypatch.setattr(fetching, "_LEAST_BYTES_PER_S", 0)
    pull("owner/model")
    assert len(hub.fetched("model.safetensors")) == 1  # control: fast enough
    hub.add("owner/model", {"config.json": b"{}", "model.safetensors": b"y" * 300_000})
    monkeypatch.setattr(fetching, "_LEAST_BYTES_PER_S", 1e12)
    pull("owner/model")
    assert len(hub.fetched("model.safetensors")) > 3


@pytest.fixture
def names(monkeypatch):
    """Names below `.example` and their addresses, in place of those of the internet."""
    table: dict[str, list[str]] = {}
    asked = []
    resolve = socket.getaddrinfo

    def answer(host, port, *rest, **more):
        if not str(host).endswith(".example"):
            return resolve(host, port, *rest, **more)
        asked.append(host)
        if host not in table:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", (address, port)) for address in table[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    table["asked"] = asked
    return table


def leads_to(server, host):
    """The hub leads to a host, whose own answer is a listing."""
    port = urlsplit(server.url).port

    def answer(line):
        return (
            whole(listing(FILE)) if "secret" in line else redirect(f"http://{host}:{port}/secret")
        )

    server._answer = answer


INNER = {
    "this machine": ["127.0.0.1"],
    "this machine, IPv6": ["::1"],
    "a private network": ["10.0.0.7"],
    "a cloud's metadata": ["169.254.169.254"],
    "any address": ["0.0.0.0"],
    "IPv4 in IPv6": ["::ffff:127.0.0.1"],
    "IPv4 in 6to4": ["2002:7f00:1::"],
    "a unique local address": ["fd00::1"],
    "shared with a public one": ["127.0.0.1", "8.8.8.8"],
    "a multicast address": ["224.0.0.1"],
}


@pytest.mark.parametrize("kind", INNER)
def test_a_hub_of_the_internet_does_not_lead_to_a_name_with_an_inner_address(
    serve, names, monkeypatch, kind
):
    server = serve(lambda line: whole(b""))
    leads_to(server, "inner.example")
    names["inner.example"] = INNER[kind]
    monkeypatch.setattr(hub_request, "_is_inside", lambda url: False)
    monkeypatch.setattr(hub_request, "_answered_inside", lambda reply: False)
    assert "inner.example, which is in this network" in refusal(server)
    assert len(server.lines) == 1
    names["inner.example"] = ["127.0.0.1"]
    monkeypatch.setattr(hub_request, "_is_inner", lambda address: False)  # the control
    assert list_repository("a/b").files
    assert len(server.lines) == 3


def test_the_users_own_hub_may_lead_to_a_name_with_an_inner_address(serve, names):
    server = serve(lambda line: whole(b""))
    leads_to(server, "storage.example")
    names["storage.example"] = ["127.0.0.1"]
    assert list_repository("a/b").files


def test_a_hub_whose_name_has_an_inner_address_is_the_users_own(serve, names, monkeypatch):
    server = serve(lambda line: whole(b""))
    leads_to(server, "storage.example")
    names["hub.example"] = names["storage.example"] = ["127.0.0.1"]
    port = urlsplit(server.url).port
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://hub.example:{port}")
    assert list_repository("a/b").files
    monkeypatch.setattr(hub_request, "_answered_inside", lambda reply: False)  # the control
    assert "which is in this network" in refusal(server)


def test_a_name_without_an_address_is_one_line(serve, names, monkeypatch):
    server = serve(lambda line: whole(b""))
    leads_to(server, "none.example")
    monkeypatch.setattr(hub_request, "_is_inside", lambda url: False)
    monkeypatch.setattr(hub_request, "_answered_inside", lambda reply: False)
    assert "none.example, which has no address" in refusal(server)


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(names, monkeypatch):
    """A name may have another address each time it is resolved."""
    from huggingface_hub import get_session

    names["cdn.example"] = ["8.8.8.8"]
    sent = []

    def send(session, request):
        names["cdn.example"] = ["127.0.0.1"]
        sent.append((request.url.host, request.headers["Host"], request.extensions["sni_hostname"]))

    monkeypatch.setattr(hub_request, "_send_as_it_is", send)
    request = get_session().build_request("GET", "https://cdn.example/a")
    hub_request._send_outside(get_session(), request)
    assert sent == [("8.8.8.8", "cdn.example", "cdn.example")]
    assert names["asked"] == ["cdn.example"]


def test_an_address_that_does_not_answer_is_followed_by_the_next(names, monkeypatch):
    library = hub_request._http_library()
    from huggingface_hub import get_session

    names["cdn.example"] = ["8.8.8.8", "9.9.9.9"]

    def send(session, request):
        if request.url.host == "8.8.8.8":
            raise library.ConnectError("no route")
        return request.url.host

    monkeypatch.setattr(hub_request, "_send_as_it_is", send)
    request = get_session().build_request("GET", "https://cdn.example/a")
    assert hub_request._send_outside(get_session(), request) == "9.9.9.9"


def test_behind_a_proxy_names_are_not_resolved_here(names, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert hub_request._is_proxied(urlsplit("https://cdn.example/x"))
    monkeypatch.setenv("NO_PROXY", "cdn.example")
    assert not hub_request._is_proxied(urlsplit("https://cdn.example/x"))
