"""The plan's experiments: each is one command, and leaves its table in docs/experiments.md."""
