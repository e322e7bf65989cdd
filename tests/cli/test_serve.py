"""`viper serve`: what it refuses before it listens; and, in a process of its own, how it runs and ends."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("starlette", reason="the extra [serve] is not installed")

from fakes.serving import PNG, ServeProcess
from viper.cli import cli

TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_token(monkeypatch):
    monkeypatch.delenv("VIPER_SERVE_TOKEN", raising=False)


def refused(*arguments):
    result = CliRunner().invoke(cli, ["serve", "--models", "stub", *arguments])
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_a_missing_extra_is_reported_with_the_command_that_installs_it(monkeypatch):
    from importlib import util

    real = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "uvicorn" else real(name))
    assert refused() == (
        "viper: The server needs the package 'uvicorn', which is not installed. "
        "Install it with: pip install 'viper-vision[serve]'"
    )


def test_other_addresses_than_loopback_need_a_token(monkeypatch):
    assert "VIPER_SERVE_TOKEN is not set" in refused("--host", "0.0.0.0")
    assert "VIPER_SERVE_TOKEN is not set" in refused("--allow-host", "viper.example.org")
    monkeypatch.setenv("VIPER_SERVE_TOKEN", "short")
    line = refused("--host", "0.0.0.0")
    assert "must be at least 16" in line
    assert "short" not in line


def test_a_token_is_no_argument():
    result = CliRunner().invoke(cli, ["serve", "--token", TOKEN])
    assert result.exit_code == 2


def test_a_partial_sandbox_is_refused_where_others_can_reach_the_server(monkeypatch):
    monkeypatch.setenv("VIPER_SERVE_TOKEN", TOKEN)
    line = refused("--host", "0.0.0.0", "--port", "0", "--sandbox", "partial")
    assert "--sandbox partial is for your own programs" in line
    assert TOKEN not in line


def test_a_port_in_use_is_reported_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = refused("--port", str(taken.getsockname()[1]))
    assert "Address already in use" in line


def test_the_help_teaches():
    result = CliRunner().invoke(cli, ["serve", "--help"])
    assert result.exit_code == 0
    for word in ("VIPER_SERVE_TOKEN", "--max-upload-mb", "--max-pixels", "--grace", "429", "curl"):
        assert word in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_ends_with_zero(number):
    import httpx

    with ServeProcess("--models", "stub") as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{server.url}/healthz").json()["status"] == "ok"
        status, out, err = server.ends(number)
    assert (status, out) == (0, "")
    assert f"viper: serving at {server.url} (sandbox full); Ctrl-C ends it." in err
    assert "stub results" in err
    assert " GET /healthz 200 " in err
    assert "Traceback" not in err
    assert err.rstrip().endswith("viper: ended.")


@pytest.mark.slow
def test_a_signal_in_the_middle_of_requests_loses_none():
    """Each request that was let in is answered; those that came later find nobody, or are told."""
    import asyncio

    import httpx

    fields = {"question": "How many cups are there?"}
    program = (
        "def execute_command(image):\n"
        "    total = 0\n"
        "    for number in range(3_000_000):\n"
        "        total += number\n"
        "    return len(image.find('cup'))"
    )

    async def scenario(server):
        async with httpx.AsyncClient(timeout=60) as client:

            async def ask():
                files = {"image": ("a.png", PNG)}
                reply = await client.post(
                    f"{server.url}/v1/run", files=files, data={**fields, "program": program}
                )
                return reply.status_code, reply.json().get("answer")

            asked = [asyncio.ensure_future(ask()) for _ in range(12)]
            while True:
                text = (await client.get(f"{server.url}/metrics")).text
                figures = dict(
                    line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")
                )
                if float(figures["viper_running"]) + float(figures["viper_waiting"]) == 12:
                    break
                assert not any(task.done() for task in asked), "too quick to be a test"
                await asyncio.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            assert await asyncio.gather(*asked) == [(200, "3")] * 12
            with pytest.raises(httpx.TransportError):
                await ask()

    with ServeProcess("--models", "stub", "--concurrency", "2", "--queue", "20") as server:
        asyncio.run(scenario(server))
        deadline = time.monotonic() + 20
        while server.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.process.returncode == 0


def processes():
    """Process id → that of its parent and when it began, of all that have not ended."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended meanwhile
            continue
        if fields[0] != "Z":
            found[int(folder.name)] = int(fields[1]), fields[19]
    return found


def family_of(process):
    """The processes that it has started, and those that these have."""
    running = processes()
    family = {process}
    while more := {one for one, (parent, _) in running.items() if parent in family} - family:
        family |= more
    return {(one, running[one][1]) for one in family - {process}}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("gap_s", [0.005, 0.05, 0.15], ids="every {} s".format)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("running", [0, 10], ids="{} run".format)
def test_any_number_of_signals_ends_it_with_zero_and_leaves_no_process(running, number, gap_s):
    """Whatever it is doing when one arrives: draining, interrupting, closing its models, or leaving."""
    import httpx

    program = "def execute_command(image):\n    while True:\n        pass"
    statuses = []

    def ask(url):
        files = {"image": ("a.png", PNG)}
        try:
            reply = httpx.post(f"{url}/v1/run", files=files, data={"program": program}, timeout=60)
            statuses.append(reply.status_code)
        except httpx.TransportError:
            statuses.append("cut")

    with ServeProcess("--models", "stub", "--concurrency", "4") as server:
        asking = [threading.Thread(target=ask, args=(server.url,)) for _ in range(running)]
        for thread in asking:
            thread.start()
        while running and httpx.get(f"{server.url}/metrics").text.count("viper_running 4.0") == 0:
            time.sleep(0.05)
        family = family_of(server.process.pid)
        assert len(family) >= 2 * (running > 0)  # the control: they are seen
        deadline = time.monotonic() + 30
        while server.process.poll() is None and time.monotonic() < deadline:
            server.process.send_signal(number)
            time.sleep(gap_s)
        _, err = server.process.communicate(timeout=10)
        for thread in asking:
            thread.join()
        assert server.process.returncode == 0
        assert "Traceback" not in err
        if gap_s > 0.1:  # a third signal cuts the rest
            assert statuses == [503] * running
        time.sleep(0.2)
        assert not family & {(one, began) for one, (_, began) in processes().items()}


@pytest.mark.slow
def test_the_token_comes_from_the_environment_and_stays_out_of_the_log():
    import httpx

    with ServeProcess("--models", "stub", VIPER_SERVE_TOKEN=TOKEN) as server:
        assert httpx.get(f"{server.url}/v1/info").status_code == 401
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{server.url}/v1/info", headers=headers).status_code == 200
        # The environment of the sandbox's processes holds a hash seed only, and no command line holds it.
        status, _, err = server.ends()
    assert status == 0
    assert TOKEN not in err


def test_settings_take_the_place_of_defaults(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "viper.toml").write_text('models = "stub"\n[serve]\nport = 1\nqueue = 5\n')
    taken = []
    monkeypatch.setattr(
        "viper.serve.server.listen", lambda settings: taken.append(settings) or 1 / 0
    )
    monkeypatch.setenv("VIPER_SERVE__QUEUE", "7")
    CliRunner().invoke(cli, ["serve", "--port", "2"])
    (settings,) = taken
    assert (settings.port, settings.queue, settings.concurrency) == (2, 7, 8)
