"""Pulling from a hub on loopback, whole and with every fault that it may have."""

from __future__ import annotations

import resource
import shutil
import threading

import pytest

from fakes.hub_server import GATED, LISTING, Fault, git_sha1, sha256
from viper.errors import DownloadError
from viper.weights import pull as pulling
from viper.weights.cache import find_on_disk, repository_folder
from viper.weights.pull import Progress, check_disk_space, execute_pull, plan_pull, pull

REPOSITORY = "owner/tiny-model"
TOKEN = "hf_plantedSecret0123456789"
BAD_TOKEN = Fault(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
WEIGHTS = bytes(range(256)) * 1200  # 307,200 bytes
FILES = {
    "config.json": b'{"model_type": "clip"}',
    "preprocessor_config.json": b"{}",
    "tokenizer.json": b"{}" * 40,
    "vocab.txt": b"",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"pickle",
    "modeling_tiny.py": b"raise SystemExit",
    "onnx/model.onnx": b"onnx",
}
NEEDED = sorted(set(FILES) - {"pytorch_model.bin", "modeling_tiny.py", "onnx/model.onnx"})


@pytest.fixture
def commit(hub):
    return hub.add(REPOSITORY, FILES)


def part(cache):
    return repository_folder(REPOSITORY, cache) / "blobs" / f"{sha256(WEIGHTS)}.incomplete"


def is_whole(cache):
    found = find_on_disk(REPOSITORY, cache=cache)
    if found.state != "complete":
        return False
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    return True


# -- what is fetched, and how it lies there


def test_the_needed_files_lie_in_the_cache_as_the_hubs_own_client_expects_them(
    hub, hub_cache, commit
):
    from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

    pulled = pull(REPOSITORY)
    assert (pulled.commit, pulled.folder.name) == (commit, commit)
    assert sorted(path.name for path in pulled.folder.iterdir()) == NEEDED
    for name in NEEDED:
        assert (pulled.folder / name).read_bytes() == FILES[name]
        cached = try_to_load_from_cache(REPOSITORY, name, cache_dir=hub_cache)
        assert cached == str(pulled.folder / name)
    blobs = {path.name for path in (pulled.folder.parents[1] / "blobs").glob("[0-9a-f]*")}
    assert sha256(WEIGHTS) in blobs
    assert git_sha1(FILES["config.json"]) in blobs
    scanned = scan_cache_dir(hub_cache)
    assert not scanned.warnings
    (repository,) = scanned.repos
    assert set(repository.refs) == {"main"}
    before = len(hub.requests)
    offline = hf_hub_download(REPOSITORY, "config.json", cache_dir=hub_cache, local_files_only=True)
    assert offline.endswith("config.json")
    assert len(hub.requests) == before


def test_a_second_pull_fetches_nothing(hub, hub_cache, commit):
    first = pull(REPOSITORY)
    assert first.fetched_bytes == first.size_bytes > len(WEIGHTS)
    before = len(hub.requests)
    again = pull(REPOSITORY)
    assert again.fetched_bytes == 0
    assert again.folder == first.folder
    assert len(hub.requests) == before + 1  # the listing


def test_a_new_commit_fetches_only_what_has_changed(hub, hub_cache, commit):
    pull(REPOSITORY)
    changed = hub.add(REPOSITORY, {**FILES, "config.json": b'{"model_type": "siglip"}'})
    pulled = pull(REPOSITORY)
    assert pulled.commit == changed != commit
    assert pulled.fetched_bytes == len(b'{"model_type": "siglip"}')
    assert find_on_disk(REPOSITORY, cache=hub_cache).commit == changed
    assert find_on_disk(REPOSITORY, commit, cache=hub_cache).state == "complete"


def test_a_commit_may_be_asked_for_and_changes_no_branch(hub, hub_cache, commit):
    assert pull(REPOSITORY, commit).commit == commit
    assert not (repository_folder(REPOSITORY, hub_cache) / "refs").exists()
    assert find_on_disk(REPOSITORY, "main", cache=hub_cache).state == "absent"
    assert find_on_disk(REPOSITORY, cache=hub_cache).commit == commit  # the only one there


def test_progress_grows_to_the_whole_size(hub, hub_cache, commit):
    seen: list[Progress] = []
    pulled = pull(REPOSITORY, on_progress=seen.append)
    done = [step.done_bytes for step in seen]
    assert done == sorted(done)
    assert done[-1] == pulled.size_bytes == seen[-1].total_bytes
    assert {step.file for step in seen} == set(NEEDED)


def test_a_content_of_the_wrong_size_is_fetched_again(hub, hub_cache, commit):
    folder = pull(REPOSITORY).folder
    (folder / "model.safetensors").resolve().write_bytes(b"cut")
    pull(REPOSITORY)
    assert is_whole(hub_cache)


# -- cut connections


@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
def test_a_cut_connection_is_taken_up_where_it_broke_off(hub, hub_cache, commit, reset):
    hub.fail("model.safetensors", Fault(cut_after=100_000, reset=reset), Fault(cut_after=50_000))
    pull(REPOSITORY)
    assert is_whole(hub_cache)
    asked = [request.headers.get("range") for request in hub.fetched("model.safetensors")]
    assert asked[0] is None
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in asked[1:]]
    assert len(starts) == 2
    assert starts[1] == starts[0] + 50_000
    if not reset:  # a reset may throw away what the kernel had not handed over
        assert starts[0] == 100_000


def test_a_hub_that_stays_away_leaves_a_part_and_a_later_run_goes_on(hub, hub_cache, commit):
    hub.fail("model.safetensors", Fault(cut_after=100_000), *[Fault(cut_after=0)] * 3)
    with pytest.raises(
        DownloadError,
        match=r"model\.safetensors of .*0\.1 of 0\.3 MB are kept: run the same command",
    ):
        pull(REPOSITORY)
    found = find_on_disk(REPOSITORY, cache=hub_cache)
    assert (found.state, found.folder, found.partial_bytes) == ("partial", None, 100_000)
    pulled = pull(REPOSITORY)
    assert pulled.fetched_bytes == len(WEIGHTS) - 100_000
    assert hub.fetched("model.safetensors")[-1].headers["range"] == "bytes=100000-"
    assert is_whole(hub_cache)
    assert not part(hub_cache).exists()


def test_an_interrupted_pull_leaves_a_part_and_a_later_run_goes_on(hub, hub_cache, commit):
    def interrupt(step):
        if step.file == "model.safetensors" and step.done_bytes > 0.4 * step.total_bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(REPOSITORY, on_progress=interrupt)
    kept = part(hub_cache).stat().st_size
    assert 0 < kept < len(WEIGHTS)
    assert find_on_disk(REPOSITORY, cache=hub_cache).state == "partial"
    pull(REPOSITORY)
    assert hub.fetched("model.safetensors")[-1].headers["range"] == f"bytes={kept}-"
    assert is_whole(hub_cache)


def test_a_server_that_ignores_the_range_is_read_from_the_start(hub, hub_cache, commit):
    hub.fail("model.safetensors", Fault(cut_after=100_000), Fault(ignore_range=True))
    pull(REPOSITORY)
    assert is_whole(hub_cache)


@pytest.mark.parametrize("left", [WEIGHTS + b"more", WEIGHTS], ids=["too long", "complete"])
def test_a_part_of_full_length_or_more_is_checked_or_begun_anew(hub, hub_cache, commit, left):
    path = part(hub_cache)
    path.parent.mkdir(parents=True)
    path.write_bytes(left)
    pull(REPOSITORY)
    assert is_whole(hub_cache)
    assert len(hub.fetched("model.safetensors")) == (0 if left == WEIGHTS else 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_asked_again(hub, hub_cache, commit, status):
    hub.fail("model.safetensors", Fault(status), Fault(status))
    pull(REPOSITORY)
    assert is_whole(hub_cache)


def test_a_hub_that_stays_busy_is_told(hub, hub_cache, commit):
    hub.fail("model.safetensors", *[Fault(503)] * 9)
    with pytest.raises(DownloadError, match=r"the hub answered with status 503\. 0\.0 of 0\.3 MB"):
        pull(REPOSITORY)


def test_a_silent_hub_is_not_waited_for_for_ever(hub, hub_cache, commit, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.1)
    hub.fail("model.safetensors", *[Fault(delay_s=0.4)] * 3)
    with pytest.raises(DownloadError, match=r"the connection broke off \(ReadTimeout\)"):
        pull(REPOSITORY)
    monkeypatch.setattr("viper.weights.hub._TIMEOUT_S", 0.1)
    hub.fail(LISTING, Fault(delay_s=0.4))
    with pytest.raises(DownloadError, match=r"The hub cannot be reached at http.*\(ReadTimeout\)"):
        pull(REPOSITORY)


# -- checksums


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_wrong_checksum_is_deleted_and_never_named(hub, hub_cache, commit, name):
    hub.fail(name, Fault(flip=True))
    with pytest.raises(
        DownloadError,
        match=rf"{name} of 'owner/tiny-model' arrived with a wrong checksum \(.*deleted",
    ):
        pull(REPOSITORY)
    found = find_on_disk(REPOSITORY, cache=hub_cache)
    assert (found.state, found.folder) == ("absent", None)
    pull(REPOSITORY)
    assert is_whole(hub_cache)


def test_a_part_that_was_damaged_meanwhile_is_thrown_away(hub, hub_cache, commit):
    hub.fail("model.safetensors", Fault(cut_after=100_000), *[Fault(cut_after=0)] * 3)
    with pytest.raises(DownloadError):
        pull(REPOSITORY)
    part(hub_cache).write_bytes(b"\xff" * 100_000)
    with pytest.raises(DownloadError, match="wrong checksum"):
        pull(REPOSITORY)
    pull(REPOSITORY)
    assert is_whole(hub_cache)


# -- refusals


@pytest.mark.parametrize(
    ("repository", "revision", "fault", "message"),
    [
        ("owner/other", "main", None, r"There is no repository 'owner/other' at http.*Check the name"),
        (REPOSITORY, "v9", None, r"'owner/tiny-model' has no revision 'v9'"),
        ("not a model", "main", None, r"'not a model' is not a valid model id"),
        (REPOSITORY, "main", GATED, r"is gated: accept its terms .*/owner/tiny-model, then set HF_TOKEN"),
        (REPOSITORY, "main", Fault(403, GATED.headers), r"is gated: accept its terms"),
        (REPOSITORY, "main", Fault(403), r"refuses 'owner/tiny-model' \(403\): the token in HF_TOKEN"),
        (REPOSITORY, "main", BAD_TOKEN, r"refuses 'owner/tiny-model' \(401\): the token in HF_TOKEN"),
        (REPOSITORY, "main", Fault(500), r"with status 500\. Try again later"),
        (REPOSITORY, "main", Fault(200, {}, body=b"<html>"), r"is not that of a hub"),
        (REPOSITORY, "main", Fault(200, {}, body=b"[]"), r"is not that of a hub"),
        (REPOSITORY, "main", Fault(200, {}, body=b"{}"), r"is not that of a hub"),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_hub_refuses_is_told_in_one_line(
    hub, hub_cache, commit, monkeypatch, repository, revision, fault, message
):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    if fault is not None:
        hub.fail(LISTING, fault)
    with pytest.raises(DownloadError, match=message) as caught:
        pull(repository, revision)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert not hub_cache.exists()


def test_a_near_name_is_suggested(hub, hub_cache):
    with pytest.raises(DownloadError, match=r"Did you mean 'google/owlv2-base-patch16-ensemble'"):
        plan_pull(
            "google/owlv2-base-patch16-ensembel", suggestions=["google/owlv2-base-patch16-ensemble"]
        )


def test_a_file_that_may_not_be_read_is_told(hub, hub_cache, commit):
    hub.fail("model.safetensors", GATED)
    with pytest.raises(DownloadError, match="is gated"):
        pull(REPOSITORY)


def test_a_repository_of_pickles_is_refused(hub, hub_cache):
    hub.add(REPOSITORY, {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    with pytest.raises(
        DownloadError, match=r"no weights as safetensors, and pickles are not fetched"
    ):
        pull(REPOSITORY)


def test_the_offline_mode_is_respected(hub, hub_cache, commit, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match=r"HF_HUB_OFFLINE is set"):
        pull(REPOSITORY)
    assert not hub.requests


def test_a_hub_that_is_not_there_is_told(hub, hub_cache, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        DownloadError, match=r"cannot be reached at http://127\.0\.0\.1:9 \(ConnectE"
    ):
        pull(REPOSITORY)


def test_the_token_goes_to_the_hub_and_to_nobody_else(hub, hub_cache, commit, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    pull(REPOSITORY)
    for request in hub.requests:
        on_hub = not request.path.startswith("/cdn/")
        assert ("authorization" in request.headers) == on_hub
        assert request.host == ("127.0.0.1" if on_hub else "localhost")


def test_names_and_checksums_of_a_hostile_hub_lead_nowhere(hub, hub_cache, commit):
    hub.fail(LISTING, Fault(200, {}, body=b'{"id": "a/b", "sha": "../../../evil", "siblings": []}'))
    with pytest.raises(DownloadError, match="is not that of a hub"):
        pull(REPOSITORY)
    listing = (
        b'{"id": "a/b", "sha": "'
        + b"a" * 40
        + b'", "siblings": [{"rfilename": "model.safetensors",'
        b' "size": 1, "blobId": "../../evil"}]}'
    )
    hub.fail(LISTING, Fault(200, {}, body=listing))
    with pytest.raises(DownloadError, match="is not that of a hub"):
        pull(REPOSITORY)
    hub.add(REPOSITORY, {**FILES, "../../../evil.json": b"{}"})
    pull(REPOSITORY)
    assert not list(hub_cache.parent.rglob("evil*"))


# -- the disk


def test_too_little_room_is_told_before_anything_is_fetched(hub, hub_cache, commit, monkeypatch):
    usage = shutil.disk_usage(hub_cache.parent)
    monkeypatch.setattr(pulling.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    plan = plan_pull(REPOSITORY)
    with pytest.raises(
        DownloadError, match=r"has 0 MB free, but 0 MB are needed\. Make room, or set"
    ):
        check_disk_space([plan])
    assert not hub_cache.exists()
    monkeypatch.setattr(
        pulling.shutil, "disk_usage", lambda path: usage._replace(free=plan.to_fetch_bytes)
    )
    check_disk_space([plan])


def test_a_disk_that_fills_up_leaves_a_part_and_a_later_run_goes_on(hub, hub_cache, commit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
    try:
        with pytest.raises(
            DownloadError, match=r"cannot be written to .*: File too large\. Make room"
        ):
            pull(REPOSITORY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 0 < part(hub_cache).stat().st_size <= 120_000
    assert find_on_disk(REPOSITORY, cache=hub_cache).state == "partial"
    pull(REPOSITORY)
    assert is_whole(hub_cache)


def test_a_cache_that_cannot_be_made_is_told(hub, hub_cache, commit):
    hub_cache.write_text("a file")
    with pytest.raises(DownloadError, match=r"The cache .* cannot be written to: Not a directory"):
        pull(REPOSITORY)


def test_two_pulls_of_one_model_exclude_each_other(hub, hub_cache, commit):
    hub.fail("config.json", Fault(delay_s=0.5))
    plan, running = plan_pull(REPOSITORY), threading.Event()

    def first():
        execute_pull(plan, lambda step: running.set())

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert running.wait(5)
        with pytest.raises(DownloadError, match="Another process is fetching 'owner/tiny-model'"):
            execute_pull(plan, lambda step: None)
    finally:
        thread.join()
    assert is_whole(hub_cache)


def test_without_links_the_files_are_copies(hub, hub_cache, commit, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError("no links here")

    monkeypatch.setattr("os.symlink", refuse)
    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    pulled = pull(REPOSITORY)
    assert not any(path.is_symlink() for path in pulled.folder.iterdir())
    assert is_whole(hub_cache)


# -- a cache from somebody else


def planted(cache, where, victim):
    """Put a link to a file or a folder in place of a name in the cache of the model."""
    place = repository_folder(REPOSITORY, cache) / where
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(victim)


PLACES = {
    "partial download": f"blobs/{sha256(WEIGHTS)}.incomplete",
    "lock": "blobs/.viper.lock",
    "branch": "refs/main",
}


@pytest.mark.parametrize("where", PLACES.values(), ids=PLACES)
def test_a_link_in_place_of_a_file_is_refused_in_one_line(hub, hub_cache, commit, tmp_path, where):
    victim = tmp_path / "bashrc"
    victim.write_bytes(b"mine")
    planted(hub_cache, where, victim)
    with pytest.raises(DownloadError, match="it is a link"):
        pull(REPOSITORY)
    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("where", ["", "blobs", "snapshots", "snapshots/COMMIT", "refs"])
def test_a_link_in_place_of_a_folder_is_refused_in_one_line(
    hub, hub_cache, commit, tmp_path, where
):
    (tmp_path / "home").mkdir()
    planted(hub_cache, where.replace("COMMIT", commit), tmp_path / "home")
    with pytest.raises(DownloadError, match=r"its folder '.*' is a link"):
        pull(REPOSITORY)
    assert not any((tmp_path / "home").iterdir())


def test_a_link_in_place_of_a_content_is_replaced_by_what_the_hub_has(
    hub, hub_cache, commit, tmp_path
):
    victim = tmp_path / "weights"
    victim.write_bytes(b"x" * len(WEIGHTS))  # of the right size
    planted(hub_cache, f"blobs/{sha256(WEIGHTS)}", victim)
    pull(REPOSITORY)
    assert is_whole(hub_cache)
    assert victim.read_bytes() == b"x" * len(WEIGHTS)


def test_a_content_in_the_hubs_store_of_shared_contents_is_not_fetched_again(
    hub, hub_cache, commit
):
    store = hub_cache / "blobs" / "ab" / "content"
    store.parent.mkdir(parents=True)
    store.write_bytes(WEIGHTS)
    planted(hub_cache, f"blobs/{sha256(WEIGHTS)}", "../../blobs/ab/content")
    assert pull(REPOSITORY).fetched_bytes < len(WEIGHTS)
    assert is_whole(hub_cache)


def test_the_control_without_the_guard_the_users_file_changes(
    hub, hub_cache, commit, tmp_path, monkeypatch
):
    victim = tmp_path / "bashrc"
    victim.write_bytes(b"mine")
    planted(hub_cache, PLACES["partial download"], victim)
    monkeypatch.setattr("viper.storage.below.check_is_ours", lambda facts, *, writes: None)
    monkeypatch.setattr("viper.storage.below._FLAGS", 0)
    with pytest.raises(DownloadError):
        pull(REPOSITORY)
    assert victim.read_bytes() != b"mine"
