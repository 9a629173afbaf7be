"""Settings: who goes before whom, and what a wrong one is told."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.engines import TurnSettings
from config.errors import SettingsError
from config.settings import Settings, load_settings, profile_names

SID = "AC" + "0" * 32


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FIRSTWORD_"):
            monkeypatch.delenv(name)


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def fault(**given: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)  # type: ignore[arg-type]
    return str(caught.value)


def test_defaults_serve_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/tmp/cache")
    settings = load_settings()
    assert (settings.host, settings.port, settings.profile, settings.insecure) == ("127.0.0.1", 8080, "default", False)
    assert settings.models_dir == Path("/tmp/cache/firstword/models")
    assert settings.bot.is_file()
    assert settings.threads == len(os.sched_getaffinity(0))
    settings.check_bind()


def test_models_go_to_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    for cache in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
        assert load_settings().models_dir == Path("/home/anna/.cache/firstword/models")
    monkeypatch.setenv("FIRSTWORD_MODELS", "~/models")
    assert load_settings().models_dir == Path("/home/anna/models")


def test_command_line_over_environment_over_file_over_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "s.toml", 'profile = "better"\nport = 1\nmax_calls = 1\n[tts]\nspeed = 0.9\n[llm]\nn_ctx = 1024\n')
    settings = load_settings(config_file=file)
    assert (settings.llm.model, settings.llm.n_ctx) == ("qwen2.5-1.5b-q4_0", 1024)  # one table from two sources
    assert (settings.profile, settings.port, settings.max_calls, settings.tts.speed) == ("better", 1, 1, 0.9)
    monkeypatch.setenv("FIRSTWORD_CONFIG", str(file))
    monkeypatch.setenv("FIRSTWORD_PORT", "2")
    monkeypatch.setenv("FIRSTWORD_LLM__MODEL", "own.gguf")
    settings = load_settings(max_calls=3, host=None)
    assert (settings.port, settings.max_calls, settings.llm.model, settings.tts.speed) == (2, 3, "own.gguf", 0.9)
    assert load_settings(port=4).port == 4
    assert load_settings(llm={"n_ctx": 2048}).llm.model == "own.gguf"
    assert settings.config_file == file


def test_the_profile_may_be_named_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "s.toml", 'profile = "better"')
    assert load_settings(config_file=file).llm.model == "qwen2.5-1.5b-q4_0"
    monkeypatch.setenv("FIRSTWORD_PROFILE", "lite")
    lite = load_settings(config_file=file)
    assert (lite.asr.model, lite.tts.engine, lite.tts.voice, lite.llm.model) == (
        "whisper-tiny.en",
        "hibari",
        "heart",
        "qwen2.5-0.5b-q4_0",
    )
    assert load_settings(config_file=file, profile="default").asr.model == "whisper-base"
    assert profile_names() == ["default", "better", "lite"]
    assert "there is no profile 'light'; did you mean 'lite'?" in fault(profile="light")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_PUBLIC_URL", "")
    monkeypatch.setenv("FIRSTWORD_PORT", "")
    assert (load_settings().public_url, load_settings().port) == (None, 8080)


def test_paths_in_the_file_are_meant_from_its_folder(tmp_path: Path) -> None:
    settings = load_settings(config_file=write(tmp_path / "s.toml", 'bot = "bots/mine.toml"\nmodels_dir = "/srv/models"\n'))
    assert (settings.bot, settings.models_dir) == (tmp_path / "bots" / "mine.toml", Path("/srv/models"))
    settings = load_settings(config_file=write(tmp_path / "s.toml", '[recording]\nfolder = "calls"\n'))
    assert settings.recording.folder == tmp_path / "calls"


def test_calls_are_recorded_only_when_a_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().recording.folder is None
    monkeypatch.setenv("FIRSTWORD_RECORDING__FOLDER", "~/calls")
    assert load_settings().recording.folder == Path.home() / "calls"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "{file}:1: unknown key 'prot'; did you mean 'port'?"),
        ("port = 1\n\n[asr]\n# the ear\nmodle = 'x'", "{file}:5: unknown key 'asr.modle'; did you mean 'model'?"),
        ("[tts]\nengine = 'espeak'", "{file}:2: tts.engine: input should be 'piper' or 'hibari'"),
        ("port = 70000\nmax_calls = 0", "{file}:1: port: input should be less than or equal to 65535\n{file}:2: max_calls: input"),
        ("asr = { window_s = 4 }", "{file}:1: asr.window_s: input should be greater than or equal to 8"),
        ("port = 1\nhost = ", "{file}:2: Invalid value"),
        ("config_file = 'other.toml'", "{file}:1: a settings file can't name another one"),
        ("[turn]\nsure_ms = 900", "{file}:1: turn: the waits must not fall"),
        ("profile = 'fast'", "there is no profile 'fast'"),
    ],
)
def test_a_wrong_key_in_the_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path / "s.toml", text)
    assert said.format(file=file) in fault(config_file=file)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FIRSTWORD_PORT", "http", "FIRSTWORD_PORT: port: input should be a valid integer"),
        ("FIRSTWORD_LLM__N_CTX", "many", "FIRSTWORD_LLM__N_CTX: llm.n_ctx: input should be a valid integer"),
        ("FIRSTWORD_LLM__CTX", "1", "FIRSTWORD_LLM__CTX: unknown key 'llm.ctx'; did you mean 'n_ctx'?"),
        ("FIRSTWORD_HOTS", "::", "unknown variable FIRSTWORD_HOTS in the environment; did you mean 'FIRSTWORD_HOST'?"),
        ("FIRSTWORD_ASR", "whisper", "the environment can't be read"),
        ("FIRSTWORD_PUBLIC_URL", "bot.example.com", "must be the address that Twilio calls"),
        ("FIRSTWORD_PUBLIC_URL", "wss://bot.example.com", "must be the address that Twilio calls"),
        ("FIRSTWORD_ADMIN_TOKEN", "  ", "FIRSTWORD_ADMIN_TOKEN: admin_token: is empty"),
        ("FIRSTWORD_TWILIO_ACCOUNT_SID", "AC1", "FIRSTWORD_TWILIO_ACCOUNT_SID: "),
        ("FIRSTWORD_CONFIG", "/nowhere/s.toml", "the settings file /nowhere/s.toml can't be read"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    assert said in fault()


def test_a_wrong_option_is_named() -> None:
    assert fault(port=-1) == "port: input should be greater than or equal to 0"
    assert "unknown key 'prt'" in fault(prt=1)


def test_variables_that_are_no_settings_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_OFFLINE_HUB", "1")
    load_settings()


def test_secrets_stay_out_of_texts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIRSTWORD_TWILIO_AUTH_TOKEN", "hush-hush")
    monkeypatch.setenv("FIRSTWORD_TWILIO_ACCOUNT_SID", SID)
    settings = load_settings()
    assert settings.twilio_auth_token is not None
    assert settings.twilio_auth_token.get_secret_value() == "hush-hush"
    assert "hush" not in repr(settings)
    monkeypatch.delenv("FIRSTWORD_TWILIO_AUTH_TOKEN")
    assert "hush" not in fault(config_file=write(tmp_path / "s.toml", "admin_token = ['hush-hush']"))


def test_it_is_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1
    with pytest.raises(ValidationError, match="frozen"):
        settings.llm.n_ctx = 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    load_settings(host=host).check_bind()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "bot.example.com", ""])
def test_the_network_needs_a_token_or_a_decision(host: str) -> None:
    with pytest.raises(
        SettingsError, match=r"anybody could call.\nSet FIRSTWORD_TWILIO_AUTH_TOKEN, .* or accept it with --insecure\."
    ):
        load_settings(host=host).check_bind()
    load_settings(host=host, insecure=True).check_bind()
    load_settings(host=host, twilio_auth_token="t").check_bind()


def test_public_url_loses_its_last_slash() -> None:
    assert load_settings(public_url="https://bot.example.com/phone/").public_url == "https://bot.example.com/phone"


def test_hibari_has_a_voice_of_its_own() -> None:
    assert load_settings(tts={"engine": "hibari"}).tts.voice == "heart"
    assert load_settings(tts={"engine": "hibari", "voice": "other"}).tts.voice == "other"


@given(waits=st.lists(st.integers(40, 1000), min_size=6, max_size=6))
def test_thresholds_are_in_order_or_refused(waits: list[int]) -> None:
    table = dict(zip(("pause_ms", "certain_ms", "sure_ms", "unsure_ms", "unlikely_ms", "max_ms"), waits, strict=True))
    if waits == sorted(waits):
        assert TurnSettings.model_validate(table).max_ms == waits[-1]
    else:
        with pytest.raises(ValidationError):
            TurnSettings.model_validate(table)


def test_what_is_certain_is_sure_as_well() -> None:
    with pytest.raises(ValidationError, match="raise `certain`"):
        TurnSettings(sure=0.99)


def test_settings_alone_reads_the_same_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTWORD_PROFILE", "lite")
    assert Settings() == load_settings()
