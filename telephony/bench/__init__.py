"""The latency report: recorded callers at real pace against the product, one setting at a time, measured at the ear."""
