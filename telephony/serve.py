"""`firstword serve`: the port, the switchboard behind it, and the order in which they come up and go down."""

from __future__ import annotations

import asyncio

import structlog
import uvicorn

from config.bot import load_bot
from config.settings import Settings
from telephony.gateway import create_app, serve_config
from telephony.metrics import Metrics
from telephony.switchboard import Switchboard

log = structlog.get_logger()


async def serve(settings: Settings) -> None:
    """Serve until told to stop (SIGINT, SIGTERM).

    What is wrong with settings, bot file or model files is raised before the port opens; while models load, `/healthz` says alive and
    `/readyz` not yet.
    """
    settings.check_bind()
    bot = load_bot(settings.bot)
    metrics = Metrics()
    async with Switchboard(settings, bot, metrics) as switchboard:
        app = create_app(settings, switchboard, metrics)
        server = uvicorn.Server(serve_config(settings, app))
        warming = asyncio.create_task(switchboard.warm(), name="warm")

        def warmed(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception() is not None:
                server.should_exit = True

        warming.add_done_callback(warmed)
        log.info("listening", host=settings.host, port=settings.port, bot=bot.name)
        try:
            await server.serve()
        finally:
            if not warming.done():
                warming.cancel()
            await asyncio.wait([warming])
            if not warming.cancelled() and (error := warming.exception()) is not None:
                raise error


def run(settings: Settings) -> None:
    """`serve` on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(settings))
    else:
        uvloop.run(serve(settings))
