"""The outside world: HTTP, the Twilio leg, the command line, and the one place where all is put together."""
