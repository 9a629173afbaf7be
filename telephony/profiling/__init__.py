"""Where a stage's time goes: short tables and a Chrome trace, by the profilers that the engines bring along."""
