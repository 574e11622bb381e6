"""Names of the measures that every sweep gets without being asked for."""

from __future__ import annotations

AFTER_STEP = (*range(100, 2001, 100), 3000, 4000, 5000)
"""Milliseconds after the step's end at which the after-potential is read: A_100, A_200, ..."""

BASELINE = (-0.510, -0.010)
"""Window of the baseline, seconds from the step's start."""

AREAS = {"S_fix": (0.010, 2.000), "S_500_2000": (0.500, 2.000), "S_10_3000": (0.010, 3.000)}
"""Windows of the areas, seconds from the step's end; the first is the headline."""

HALF_WINDOW = 0.05
"""A_t is the mean over t - 50 ms to t + 50 ms."""

AFTER_POTENTIAL: dict[str, tuple[float, float]] = {
    **{f"A_{t}": (t / 1000 - HALF_WINDOW, t / 1000 + HALF_WINDOW) for t in AFTER_STEP},
    "A_m": (0.010, 0.300),
    "A_pk": (0.010, 1.000),
    **dict.fromkeys(
        ("D50", "D10", "D0", "HW", "S_tot", "tau_s"), (0.010, 1.000)
    ),  # at the least: the way back from A_pk
    **AREAS,
}
"""Windows that must be recorded whole, seconds from the step's end. All are counted from the baseline."""

FROM_TEST_PULSE = ("Rin", "sag", "tau_m")
"""Standard measures that a test pulse in the sweep gives."""

VOLTAGE_CLAMP_ONLY = ("Rm", "Cm")
"""Standard measures that sweeps with a current step do not have."""

STANDARD_MEASURES: tuple[str, ...] = (
    "n_ap",
    "V_b",
    *(f"A_{t}" for t in AFTER_STEP),
    "A_pk",
    "A_m",
    *AREAS,
    "D50",
    "D10",
    "D0",
    "HW",
    "S_tot",
    "tau_s",
    "Rin",
    "sag",
    "tau_m",
    "Rm",
    "Rs",
    "Cm",
    "I_hold",
)
"""The standard family. Protocols may declare more, under other names."""

ACCOMPANYING: tuple[str, ...] = (
    *("V_b_sd", "V_b_slope", "hum", "I_step", "n_base", "n_late"),
    *("ap_threshold", "ap_threshold_5", "ap_threshold_5_percent", "ap_peak", "ap_height", "ap_half_width"),
    *("ap_upstroke", "ap_downstroke", "fAHP", "ap_latency", "isi_first", "isi_last", "isi_ratio", "adaptation"),
    *("bridge_residual", "bridge_residual_off", "t_m", "t_pk", "t_cross", "D_limit", "tau_s_error", "tau_s_r2"),
    *("V_end", "V_end_slope", "A_1000_detrended", "Rs_peak", "Rs_charge", "R_total"),
)
"""Made beside the standard family. A protocol's own measures need other names than these, too."""
