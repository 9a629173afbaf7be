"""The conversation: PCM, text and events. Nothing in here knows Twilio or SIP."""

import pipeline.threads  # noqa: F401 - before anything else is loaded that has threads of its own
