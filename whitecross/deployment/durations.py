"""Durations as people type and read them: 30s, 10m, 2h."""

import argparse
import re

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """Read `90`, `90s`, `10m` or `1h` as seconds. Raises argparse.ArgumentTypeError."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smh]?)", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write seconds, or 30s, 10m, 2h")
    return float(found[1]) * UNITS[found[2]]


def said(duration_s: float) -> str:
    """A duration in words: `0.31 s`, `12.4 s`, `3 min 5 s`."""
    if duration_s < 10:
        return f"{duration_s:.2f} s"
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
