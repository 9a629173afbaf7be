"""`firstword transcribe`: what the ASR of a call makes of a WAV file."""

from __future__ import annotations

import json
import time
import wave
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from config.errors import ConfigError
from config.models import resolve
from config.settings import load_settings
from pipeline.leg import Pcm

MAX_S = 28.0
RATE_HZ = 8000  # whatever a file's own rate is, it is heard as a telephone would bring it
CANNOT_READ = 2


def transcribe_command(
    files: Annotated[list[Path], typer.Argument(metavar="WAV...", help="16-bit or µ-law WAV files, mono, any rate.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    profile: Annotated[str | None, typer.Option(help="default, better, lite.")] = None,
    bias: Annotated[str, typer.Option(help="Words to expect.")] = "",
) -> None:
    """Transcribe recordings with the engine that calls are answered with."""
    from pipeline.asr import AsrRequest, WhisperEngine
    from telephony.caller.wav import AudioFileError, read_audio

    try:
        settings = load_settings(profile=profile)
        model = resolve(settings.asr.model, settings.models_dir)
        asr = settings.asr
        engine = WhisperEngine(
            model, device=asr.device, compute_type=asr.compute_type, threads=settings.threads, window_s=asr.window_s
        )
        for file in files:
            pcm = read_audio(file)
            began = time.monotonic()
            parts = [engine.run(AsrRequest(part, RATE_HZ, bias)) for part in cut(pcm, RATE_HZ)]
            took_ms = (time.monotonic() - began) * 1000
            text = " ".join(part.text for part in parts if part.text)
            if as_json:
                confidence = min((part.confidence for part in parts if part.text), default=0.0)
                line = {
                    "file": str(file),
                    "text": text,
                    "confidence": round(confidence, 3),
                    "audio_s": round(len(pcm) / RATE_HZ, 2),
                }
                typer.echo(json.dumps({**line, "ms": round(took_ms, 1)}, ensure_ascii=False))
            else:
                typer.echo(f"{file}: {text}" if len(files) > 1 else text)
    except (ConfigError, AudioFileError, wave.Error, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(CANNOT_READ) from error


def cut(pcm: Pcm, rate_hz: int) -> list[Pcm]:
    """Pieces of at most 28 s, each cut at the quietest 200 ms of its last 8 s: Whisper hears no more than 30 s at once."""
    pieces: list[Pcm] = []
    limit, hop = int(MAX_S * rate_hz), rate_hz // 5
    while len(pcm) > limit:
        start = limit - 8 * rate_hz
        region = pcm[start:limit].astype(np.float32)
        energy = (region[: len(region) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
        at = start + int(energy.argmin()) * hop + hop // 2
        pieces.append(pcm[:at])
        pcm = pcm[at:]
    return [*pieces, pcm]
