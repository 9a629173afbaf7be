"""The outside world: HTTP, the Twilio leg, the command line, and the one place where all is put together."""

import pipeline.threads  # noqa: F401 - before numpy: its OpenBLAS reads the environment once, when it is loaded
