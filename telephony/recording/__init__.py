"""Recordings of calls on disk: written by a thread as the call goes, read again by `firstword replay`. Format: docs/recordings.md."""
