"""Odd surroundings of the host, and of the interpreter of the zygote: it works, or the level says why not.

Each surrounding is real: signals are really blocked, calls really refused by a filter as in a container.
"""

import asyncio
import contextlib
import errno
import os
import platform
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

import viper_sandbox
from fakes.odd_python import after, forbidding
from viper_sandbox import Jail, Limits

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="the surroundings are made of mechanisms of Linux",
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
slow = pytest.mark.slow
FULL = "The sandbox is full: the kernel refuses every forbidden act."


@pytest.fixture
def folder():
    """A folder that the user nobody may enter as well, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="viper-odd-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def level(**options):
    async def measure():
        async with Jail(Limits(start_s=40), **options) as jail:
            return await jail.level()

    return asyncio.run(measure())


def forbid(folder, *calls, error=errno.EPERM, **options):
    return forbidding(folder, calls, error, platform.machine(), **options)


def missing(report):
    return dict(report.missing)


# Calls that a container forbids


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS, 0], ids=["refused", "unknown", "lie"])
def test_without_setrlimit_memory_and_time_have_no_bound_and_the_level_says_so(folder, error):
    report = level(python=forbid(folder, "prlimit64", "setrlimit", error=error))
    assert report.level == "partial"
    through = {act.name for act in report.acts if not act.refused}
    assert through == {"use memory without bound", "use CPU time without bound"}
    assert {"limit of memory", "limit of CPU time"} <= missing(report).keys()
    assert "setrlimit and prlimit64" in report.advice


def test_a_program_with_no_bound_of_memory_does_not_run(folder, request_for, stub_handler):
    source = "return len('x' * (200 << 20))"

    async def run(python, least_level):
        async with Jail(Limits(memory_mb=64), python=python) as jail:
            return await jail.run(request_for(source), stub_handler, least_level=least_level)

    unlimited = forbid(folder, "prlimit64", "setrlimit")
    assert asyncio.run(run(None, "full")).failure.kind == "memory"
    refused = asyncio.run(run(unlimited, "full")).failure
    assert refused.kind == "sandbox"
    assert "use memory without bound" in refused.message
    # The control: without the level, the program would have what it wants.
    assert asyncio.run(run(unlimited, "partial")).value == 200 << 20


@pytest.mark.parametrize(
    ("calls", "options", "mechanism", "reason"),
    [
        (["unshare"], {}, "user, PID and network namespace", "forbids user namespaces"),
        (
            ["unshare"],
            {"error": errno.ENOSPC},
            "user, PID and network namespace",
            "user.max_user_namespaces",
        ),
        (["mount"], {}, "empty root", "mount failed"),
        (["landlock_create_ruleset"], {"error": errno.ENOSYS}, "Landlock", "no Landlock"),
        (["setitimer"], {}, "timer of CPU time", "not permitted"),
    ],
    ids=["namespaces", "no more namespaces", "mount", "Landlock", "timer"],
)
def test_a_mechanism_that_a_container_forbids_is_named_with_the_reason(
    folder, calls, options, mechanism, reason
):
    report = level(python=forbid(folder, *calls, **options))
    assert reason in missing(report)[mechanism]
    assert report.level == "full"  # the filter needs none of them


def test_without_seccomp_the_level_says_what_only_it_refuses(folder):
    report = level(python=forbid(folder, "prctl", "seccomp", first_argument=22))
    assert report.level == "partial"
    assert "seccomp" in missing(report)
    assert "allow the system calls prctl and seccomp" in report.advice


def test_a_container_without_keyrings_has_none_to_protect(folder):
    report = level(python=forbid(folder, "keyctl", error=errno.ENOSYS))
    assert (report.level, report.missing) == ("full", ())


def test_a_machine_that_starts_no_more_processes_is_named(folder):
    report = level(python=forbid(folder, "fork", "vfork", "clone", "clone3", error=errno.EAGAIN))
    assert report.level == "none"
    assert "starts no more processes" in report.sentence
    assert "pids.max" in report.sentence


# Low limits


@pytest.mark.parametrize(
    "limit_mb", [pytest.param(400, marks=slow), 200, pytest.param(100, marks=slow)]
)
def test_a_lower_hard_limit_of_memory_is_used_as_it_is(folder, run_jailed, limit_mb):
    jail = Jail(python=after(folder, f"ulimit -v {limit_mb << 10}"))
    source = "return len('x' * (350 << 20))"
    assert run_jailed(source, jail=jail).failure.kind == "memory"
    assert level(python=after(folder, f"ulimit -v {limit_mb << 10}")).level == "full"
    assert run_jailed(source, memory_mb=400).value == 350 << 20  # the control


def test_too_little_memory_for_an_interpreter_is_named(folder):
    report = level(python=after(folder, "ulimit -v 9000"))
    assert report.level == "none"
    assert "The interpreter " in report.sentence


def test_a_lower_hard_limit_of_cpu_time_is_used_as_it_is(folder):
    report = level(python=after(folder, "ulimit -t 7"))
    (act,) = (act for act in report.acts if act.name == "use CPU time without bound")
    assert (act.refused, act.how) == (True, "limit of 7 s")


@pytest.mark.parametrize(
    "limits",
    [
        {"memory_mb": 64.5},
        {"memory_mb": 1e300},
        {"cpu_s": 1e300},
        *(
            pytest.param(limits, marks=slow)
            for limits in ({"memory_mb": 0.5}, {"memory_mb": 1e15}, {"cpu_s": 1e18})
        ),
    ],
    ids=repr,
)
def test_any_limit_that_is_a_number_can_be_set(run_jailed, limits):
    result = run_jailed("return 1", **limits)
    assert result.value == 1 or result.failure.kind == "memory"


def test_no_descriptor_left_is_named_and_passes():
    async def measure():
        async with Jail() as jail:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            opened = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
            resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 2, hard))
            taken = []
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            try:
                none = await jail.level()
            finally:
                for fd in taken:
                    os.close(fd)
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            return none, await jail.level()

    none, later = asyncio.run(measure())
    assert none.level == "none"
    assert "Too many open files" in none.sentence
    assert later.level == "full"


def test_thousands_of_descriptors_of_the_host_are_nothing_to_a_child():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    held = []
    try:
        with contextlib.suppress(OSError):
            held.extend(os.dup(2) for _ in range(4000))
        for fd in held:
            os.set_inheritable(fd, True)
        assert level().sentence == FULL
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# The state of the host's process


ASK = """
import asyncio, os, signal, sys, time
from viper.programs.api_spec import load_spec
from viper_sandbox import Jail, Limits, PatchRef, Request

async def handler(call):
    return True

async def ask():
    async with Jail(Limits(cpu_s=0.1, start_s=40)) as jail:
        whole = PatchRef(7, (0.0, 0.0, 3.0, 2.0))
        api = load_spec().to_wire()
        results = []
        for source in ("return 6 * 7", "while True:\\n    pass\\nreturn 1", "return ''.join("):
            request = Request(source, api, whole, (3, 2))
            result = await jail.run(request, handler)
            results.append(result.value if result.failure is None else result.failure.kind)
        return (await jail.level()).sentence, results

def main(out=1):
    began = time.monotonic()
    said = asyncio.run(ask())
    os.write(out, repr((*said, time.monotonic() - began < 30)).encode())
"""


def host(*prepare, environment=None, python=sys.executable, **options):
    """Run a host in its own process; return what it measured and what its programs gave."""
    code = "\n".join([ASK, *(textwrap.dedent(text) for text in prepare)])
    if "main(" not in "".join(prepare):
        code += "\nmain()"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [python, "-c", code],
        env={"PYTHONPATH": paths, **(environment or {})},
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout.decode()


WELL = repr((FULL, [42, "timeout", "syntax"], True))
CHILD_SIGNALS = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
ALL_BLOCKED = "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())"


@pytest.mark.parametrize(
    "prepare",
    [
        CHILD_SIGNALS,
        ALL_BLOCKED,
        "os.umask(0o777)",
        "os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')",
        "os.environ['LD_LIBRARY_PATH'] = '/nonexistent::token=secret'",
        *(
            pytest.param(prepare, marks=slow)
            for prepare in (
                "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])",
                "for s in (signal.SIGPROF, signal.SIGXCPU): signal.signal(s, signal.SIG_IGN)",
                "os.environ['PYTHONPATH'] = '/nonexistent'",
                "os.environ['PYTHONWARNINGS'] = 'error'; os.environ['PYTHONNOUSERSITE'] = ''",
                "os.nice(5)",
            )
        ),
    ],
    ids=lambda text: text[:60],
)
def test_what_a_child_inherits_from_the_host_changes_nothing(tmp_path, prepare):
    assert host(prepare, cwd=tmp_path) == WELL


@pytest.mark.parametrize(
    "closed",
    [(0, 1, 2), *(pytest.param(fds, marks=slow) for fds in ((0,), (1,), (2,), (0, 1)))],
    ids=str,
)
def test_a_host_without_standard_streams(tmp_path, closed):
    out = tmp_path / "out"
    prepare = f"""
    out = os.open({str(out)!r}, os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 100)
    os.close(out)
    for fd in {closed}:
        os.close(fd)
    main(100)
    """
    host(prepare)
    assert out.read_text() == WELL


def test_blocked_signals_would_stop_a_zygote_that_does_not_undo_it(monkeypatch):
    """The control: the same with the zygote's reset switched off."""
    monkeypatch.setattr("viper_sandbox.zygote_process._BOOT", _boot_without_reset())

    monkeypatch.setattr("viper_sandbox.process._KILL_TIMEOUT_S", 0.2)

    async def measure():
        async with Jail(Limits(start_s=2), spare=False) as jail:
            child = (await jail._zygote()).make_child()
            child.dismiss()
            _, waiting = await asyncio.wait([child._ended], timeout=1)
            assert waiting

    old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        asyncio.run(measure())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _boot_without_reset():
    return (
        "import sys; sys.path += sys.argv[2:]; from viper_sandbox import zygote, zygote_loop; "
        "zygote_loop._forget_surroundings = lambda: None; zygote.main(int(sys.argv[1]))"
    )


# Interpreters


def test_an_interpreter_that_dies_says_its_last_words(folder):
    report = level(python=after(folder, "echo first >&2; echo no disk today >&2; exit 3"))
    assert report.level == "none"
    assert report.sentence.endswith("odd_python ended with status 3: first | no disk today.")


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        (["kill -9 $$"], "was killed by SIGKILL"),
        (["printf 'a\\033[31mb\\n' >&2; exit 1"], "ended with status 1: a [31mb"),
        (["yes | head -c 1000000 >&2; exit 4"], "ended with status 4: y | y | y"),
        (["exit 127"], "ended with status 127"),
        (["printf '%09999d' 5 >&2; exit 5"], "ended with status 5: 000"),
    ],
    ids=["killed", "escapes", "a megabyte", "silent", "one long line"],
)
def test_last_words_are_short_and_printable(folder, commands, words):
    sentence = level(python=after(folder, *commands)).sentence
    assert words in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1_000


def test_an_interpreter_that_needs_a_library_path_gets_it(folder, monkeypatch):
    python = after(folder, 'test -n "$LD_LIBRARY_PATH" || { echo no libpython >&2; exit 127; }')
    assert "no libpython" in level(python=python).sentence  # the control
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{folder}:/nonexistent:")
    assert level(python=python).level == "full"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_library_that_only_the_path_of_the_loader_finds(folder, monkeypatch):
    python, libraries = folder / "python", folder / "lib"
    libraries.mkdir()
    (folder / "needed.c").write_text("int needed(void) { return 0; }")
    (folder / "main.c").write_text(
        "#include <unistd.h>\nint needed(void);\n"
        "int main(int n, char **argv) { return needed() || execv(PYTHON, argv); }"
    )
    library = libraries / "libneeded.so"
    for arguments in (
        ["-shared", "-fPIC", "-o", library, folder / "needed.c"],
        [f'-DPYTHON="{sys.executable}"', "-o", python, "main.c", "-Llib", "-lneeded"],
    ):
        subprocess.run(["gcc", *map(str, arguments)], check=True, capture_output=True, cwd=folder)
    library.rename(libraries / "moved.so")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(libraries / "moved.so", elsewhere / "libneeded.so")
    assert "error while loading shared libraries" in level(python=str(python)).sentence
    monkeypatch.setenv("LD_LIBRARY_PATH", str(elsewhere))
    assert level(python=str(python)).level == "full"


def test_an_interpreter_that_needs_its_home_gets_it(folder, monkeypatch):
    python = after(folder, 'test -n "$PYTHONHOME" || { echo no encodings >&2; exit 1; }')
    monkeypatch.delenv("PYTHONHOME", raising=False)
    assert "no encodings" in level(python=python).sentence  # the control
    monkeypatch.setenv("PYTHONHOME", "/wherever/it/is")
    assert level(python=python).level == "full"


def test_the_zygote_has_no_variable_but_those_of_the_loader(folder, monkeypatch, run_jailed):
    seen = folder / "seen"
    seen.write_text("")
    seen.chmod(0o666)
    python = after(folder, f"env > {seen}")
    for name in ("VIPER_KEY", "LD_PRELOAD_KEY", "PYTHONSTARTUP", "HOME", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"secret:{folder}")
    assert level(python=python).level == "full"
    lines = set(seen.read_text().splitlines())
    names = {line.partition("=")[0] for line in lines}
    assert names - {"PWD", "_", "OLDPWD", "SHLVL"} == {"PYTHONHASHSEED", "LD_LIBRARY_PATH"}
    assert f"LD_LIBRARY_PATH={folder}" in lines
    assert "secret" not in seen.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"executable": ""}, "does not know its own interpreter"),
        ({"executable": None}, "does not know its own interpreter"),
        ({"frozen": True}, "this program is frozen"),
    ],
    ids=["empty", "none", "frozen"],
)
def test_a_program_without_an_interpreter_says_so(monkeypatch, change, words):
    for name, value in change.items():
        monkeypatch.setattr(sys, name, value, raising=False)
    report = level()
    assert report.level == "none"
    assert words in report.sentence


def test_an_application_in_a_zip(folder):
    package = Path(viper_sandbox.__file__).parent
    archive = folder / "app.pyz"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in package.rglob("*.py"):
            packed.write(path, f"viper_sandbox/{path.relative_to(package)}")
    archive.chmod(0o644)
    code = """
    import viper_sandbox
    assert ".pyz" in viper_sandbox.__file__, viper_sandbox.__file__
    main()
    """
    paths = [str(archive), *(p for p in sys.path if p and Path(p) != package.parent)]
    assert host(code, environment={"PYTHONPATH": os.pathsep.join(paths)}) == WELL


def test_a_relative_interpreter_is_found(folder, monkeypatch):
    after(folder)
    monkeypatch.chdir(folder)
    assert level(python="./odd_python").level == "full"


# File systems


@needs_root
@pytest.mark.parametrize(
    "covered", ["/proc", *(pytest.param(f, marks=slow) for f in ("/dev/shm", "/tmp", "/sys"))]
)
def test_a_machine_that_lacks_a_file_system(covered):
    mounted = f'mount -t tmpfs -o ro none {covered} && exec "$@"'
    code = ASK + "\nmain()"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mounted, "sh", sys.executable, "-c", code],
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath},
        capture_output=True,
        timeout=60,
        check=False,
    )
    if b"unshare" in done.stderr or b"mount:" in done.stderr:
        pytest.skip(done.stderr.decode())
    said = done.stdout.decode()
    assert FULL in said  # without /proc, it also names a mechanism that is not in force
    assert "[42, 'timeout', 'syntax'], True" in said


def test_a_machine_without_a_place_for_targets_proves_nothing(monkeypatch):
    from viper_sandbox import probe_targets
    from viper_sandbox.confine import Confinement

    monkeypatch.setattr(probe_targets, "_PLACES", ("/nonexistent",))
    report = level(confinement=Confinement(seccomp=False))
    assert report.level == "partial"
    hows = {act.how for act in report.acts if act.name == "change a file"}
    assert hows == {"there is no folder in which it could be attempted"}


@pytest.mark.parametrize("umask", [0o022, 0o777], ids=oct)
def test_the_targets_are_open_to_all_whatever_the_umask(umask):
    from viper_sandbox.probe_targets import probe_targets

    old = os.umask(umask)
    try:
        with probe_targets() as folder:
            modes = {p.name: stat.S_IMODE(p.lstat().st_mode) for p in Path(folder).iterdir()}
    finally:
        os.umask(old)
    assert modes["chmod"] == 0o666
    assert modes["door"] == 0o777
    assert not Path(folder).exists()


# What an escaped program finds if the filter is missing


KEYRING_HOST = """
import asyncio, ctypes, platform, sys
from viper.programs.api_spec import load_spec
from viper_sandbox import Jail, PatchRef, Request, kernel
from viper_sandbox.confine import Confinement

numbers = kernel.syscall_numbers()
kernel.syscall(numbers["keyctl"], 1, None)
kernel.syscall(numbers["add_key"], b"user", b"secret", b"token", 5, -3)
source = f'''
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
size = libc.syscall({numbers["keyctl"]}, 11, -3, None, 0)
return size
'''

async def ask(identity):
    confinement = Confinement(seccomp=False, language=False, identity=identity)
    async with Jail(confinement=confinement) as jail:
        request = Request(source, load_spec().to_wire(), PatchRef(7, (0.0, 0.0, 3.0, 2.0)), (3, 2))
        return (await jail.run(request, None, least_level="partial")).value

print([asyncio.run(ask(identity)) for identity in (True, False)])
def main(): pass
"""


def test_keys_of_the_user_are_in_a_keyring_that_no_child_has():
    try:
        said = host(KEYRING_HOST)
    except AssertionError as error:
        if "keyctl" in str(error) or "syscall failed" in str(error):
            pytest.skip("this machine has no keyrings")
        raise
    assert said == "[0, 4]\n"  # the control: with the keyring of the host, its key is there


@pytest.mark.parametrize(
    "act",
    [
        "os.stat('@')",
        "os.chmod('@', 0o600)",
        "os.utime('@')",
        "os.setxattr('@', 'user.viper', b'1')",
        "os.chown('@', os.getuid(), os.getgid())",
        *(
            pytest.param(act, marks=slow)
            for act in (
                "os.listxattr('@')",
                "os.statvfs('@')",
                "os.stat('/proc/1')",
                "os.readlink('/proc/self/exe')",
            )
        ),
    ],
)
def test_without_the_filter_no_path_leads_to_a_file(folder, run_jailed, act):
    from viper_sandbox.confine import Confinement

    target = folder / "file"
    target.write_text("x")
    target.chmod(0o666)
    if os.geteuid() == 0:
        os.chown(target, 65_534, 65_534)
    source = f"import os\n{act.replace('@', str(target))}\nreturn 'done'"
    results = []
    for namespaces in (True, False):
        confinement = Confinement(seccomp=False, language=False, namespaces=namespaces)
        jail = _Partial(confinement=confinement)
        results.append(run_jailed(source, jail=jail))
    contained, control = results
    assert contained.failure.kind == "runtime"
    assert "PermissionError" in contained.failure.message
    assert control.value == "done"


TIMERS = {
    "stopped": "signal.setitimer(signal.ITIMER_PROF, 0)",
    "set to a day": "signal.setitimer(signal.ITIMER_PROF, 86_400)",
    "ignored": "signal.signal(signal.SIGPROF, signal.SIG_IGN)",
    "handled": "signal.signal(signal.SIGPROF, lambda *args: None)",
    "blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})",
    "everything ignored": (
        "signal.setitimer(signal.ITIMER_PROF, 0); signal.pthread_sigmask(signal.SIG_BLOCK, "
        "signal.valid_signals()); signal.signal(signal.SIGXCPU, signal.SIG_IGN)"
    ),
}


def looping(run_jailed, act, *, limits, cpu_s=0.1, program_s=10.0):
    """Run an endless loop that has done something to its timer, without the filter; and its time."""
    from viper_sandbox.confine import Confinement

    source = f"import signal\n{act}\nwhile True:\n    pass\nreturn 1"
    confinement = Confinement(seccomp=False, language=False, limits=limits)
    jail = _Partial(Limits(cpu_s=cpu_s, program_s=program_s), confinement=confinement)
    began_s = time.monotonic()
    return run_jailed(source, jail=jail).failure, time.monotonic() - began_s


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n in ("stopped", "everything ignored") else [slow])
        for n in TIMERS
    ],
)
def test_a_program_without_its_timer_ends_by_the_limit_of_the_kernel(run_jailed, name):
    failure, took_s = looping(run_jailed, TIMERS[name], limits=True)
    # A program that ignores the warning as well is killed, and no exit status says of what.
    assert failure.kind == ("sandbox" if "everything" in name else "timeout")
    assert failure.message.startswith(
        "The program's process was killed"
        if "everything" in name
        else "The program used more than 0.1 s of CPU"
    )
    assert took_s < 9


def test_control_without_limits_it_runs_until_its_time_is_over(run_jailed):
    failure, _ = looping(run_jailed, TIMERS["stopped"], limits=False, program_s=3.0)
    assert failure.kind == "timeout"
    assert "CPU" not in failure.message


def test_a_machine_without_timers_still_says_that_cpu_time_was_the_reason(folder, run_jailed):
    python = forbid(folder, "setitimer")
    jail = Jail(Limits(cpu_s=0.1, program_s=20.0), python=python)
    failure = run_jailed("while True:\n    pass\nreturn 1", jail=jail).failure
    assert (failure.kind, failure.message) == (
        "timeout",
        "The program used more than 0.1 s of CPU time.",
    )


class _Partial(Jail):
    """Measures nothing, to be quick, and runs at any level."""

    async def level(self):
        from viper_sandbox.level import LevelReport

        missing = tuple((name, "not measured") for name in MECHANISMS)
        self._report = LevelReport("full", (), missing)
        (await self._zygote()).accept(list(MECHANISMS))
        return self._report


MECHANISMS = (
    "limits",
    "seccomp",
    "user, PID and network namespace",
    "IPC namespace",
    "UTS namespace",
)


def test_the_probe_makes_do_with_few_processes(monkeypatch):
    from viper_sandbox import probe

    begun, running = [], []

    def begin(attempt, plan):
        if len(running) == 2:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        running.append(attempt)
        begun.append(attempt)
        return attempt, 0

    def end(pid, reader, without_target):
        running.remove(pid)
        return pid

    monkeypatch.setattr(probe, "_begin", begin)
    monkeypatch.setattr(probe, "_end", end)
    acts = {"a": [1, 2, 3], "b": [4], "c": [5, 6, 7]}
    assert probe._react(acts, None, None) == acts
    assert begun == [1, 2, 3, 4, 5, 6, 7]
