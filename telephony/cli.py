"""The `firstword` command. Each command loads what it needs when it runs: `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from config.errors import ConfigError
from telephony import cli_models
from telephony.cli_bench import bench_command
from telephony.cli_call import call_command
from telephony.cli_capacity import capacity_command
from telephony.cli_check import check_bot_command
from telephony.cli_experiment import experiment_command
from telephony.cli_profile import profile_command
from telephony.cli_replay import replay_command
from telephony.cli_trace import trace_command
from telephony.cli_transcribe import transcribe_command

app = typer.Typer(
    help="A phone bot that answers before the caller notices the pause.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.add_typer(cli_models.app, name="models", help="The models: get them, list them, check them.")
app.command("call")(call_command)
app.command("transcribe")(transcribe_command)
app.command("check-bot")(check_bot_command)
app.command("bench")(bench_command)
app.command("trace")(trace_command)
app.command("replay")(replay_command)
app.command("capacity")(capacity_command)
app.command("experiment")(experiment_command)
app.command("profile")(profile_command)

USAGE = 2


@app.command("serve")
def serve_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (8080).")] = None,
    bot: Annotated[Path | None, typer.Option(help="The bot file.")] = None,
    profile: Annotated[str | None, typer.Option(help="default, better, lite.")] = None,
    config: Annotated[Path | None, typer.Option(help="A settings file (TOML).")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Serve the network without a Twilio auth token.")] = False,
) -> None:
    """Take calls."""
    from config.settings import load_settings
    from telephony.logging_setup import set_up
    from telephony.serve import run

    try:
        settings = load_settings(config_file=config, profile=profile, host=host, port=port, bot=bot, insecure=insecure or None)
        set_up(settings.log_level, words=settings.log_words)
        run(settings)
    except (ConfigError, OSError) as error:
        Console(stderr=True).print(Text(str(error), style="red"))
        raise typer.Exit(USAGE) from error


if __name__ == "__main__":
    app()
