"""Numbers as they are printed in a results section."""

from __future__ import annotations

import math

NOT_DETERMINED = "not determined"


def p_text(p: float) -> str:
    """Return "p = 0.0028", "p < 0.0001" or "p not determined"."""
    if math.isnan(p):
        return f"p {NOT_DETERMINED}"
    if p < 1e-4:
        return "p < 0.0001"
    return f"p = {p:.2g}" if p < 0.995 else "p = 1.0"


def number(x: float, *, like: float | None = None) -> str:
    """Return `x` with as many decimals as show three figures of `like` (of `x` itself without it)."""
    if math.isnan(x):
        return NOT_DETERMINED
    if math.isinf(x):
        return "infinity" if x > 0 else "-infinity"
    size = abs(x if like is None or not math.isfinite(like) else like)
    if size == 0:
        return f"{x:.3g}"
    if not 1e-4 <= size < 1e6:
        return f"{x:.2e}"
    text = f"{x:.{max(0, 2 - math.floor(math.log10(size)))}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def with_interval(
    estimate: float, interval: tuple[float, float], *, scale: float = 1.0, unit: str = "", name: str = "95 % CI"
) -> str:
    """Return "-1.58 mV (95 % CI -2.46 to -0.70)"; open ends are called so."""
    if math.isnan(estimate):
        return NOT_DETERMINED
    value, low, high = (scale * x for x in (estimate, *interval))
    low, high = (high, low) if low > high else (low, high)
    like = max((abs(x) for x in (value, low, high) if math.isfinite(x)), default=0.0)
    shown = f"{number(value, like=like)} {unit}".rstrip()
    if math.isnan(low) or math.isnan(high):
        return f"{shown} ({name} {NOT_DETERMINED})"
    return f"{shown} ({name} {number(low, like=like)} to {number(high, like=like)})"
