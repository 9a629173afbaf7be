"""The conversation: PCM, text and events. Nothing in here knows Twilio or SIP."""
