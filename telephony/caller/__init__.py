"""The replaying caller behind `firstword call`: plays recorded callers into a gateway as Twilio would, and measures at the caller's ear."""
