"""What the owner decides: settings, the bot file, which models. Imports nothing else of firstword."""
