"""What the compiled loop carries along, and what it is told: the records of `drivers.simulated.kernel`."""

from __future__ import annotations

import numpy as np

CONDUCTANCES = ("g_na", "g_kdr", "g_ka", "g_km", "g_l_type", "g_hva", "g_ih", "g_sk", "g_ahp")
"""Those that drugs can act on, by the names of the cell's parameters."""

STATE = np.dtype(
    [
        *((name, "f8") for name in (
            "pipette", "soma", "dendrite", "calcium", "sensor", "sk", "ahp", "synapse_rise", "synapse_fall",
            "membrane_noise", "pink_fast", "pink_middle", "pink_slow", "access", "series", "thermal", "followed",
            "tip_leak", "tip_offset", "neutralised", "drift", "run_down", "sahp_run_down", "inactivated", "corrected",
            "cancelled", "hum_cos", "hum_sin", "raw_voltage", "raw_current", "fluctuation", "sahp_change", "leak_soma",
            "leak_dendrite",
        )),
        ("gates", "f8", (10,)), ("conductances", "f8", (len(CONDUCTANCES),)), ("taken", "f8", (len(CONDUCTANCES),)),
        ("effect", "f8", (len(CONDUCTANCES),)), ("follow", "f8", (9,)), ("filter_voltage", "f8", (4,)),
        ("filter_current", "f8", (4,)),
        ("random", "u8", (4,)), ("to_tick", "i8"),
        ("to_touch", "i8"), ("to_break_in", "i8"),
    ],
    align=True,
)  # fmt: skip
"""`access`: MOhm; `series`, `thermal`: its conductance, nS, and the SD of its noise, mV per step;
`followed`: conductance, nS, of access and tip for which these and `follow` were made, 0 when they must be; `tip_leak`,
`tip_offset`: nS and mV of the tip beyond those of a finished seal, 0 in whole cell; `neutralised`: the pipette's
potential as the capacitance neutralisation sees it; `drift`: mV added to the leak reversal; `fluctuation`: pA into
the soma; `sahp_change`: relative, of the slow AHP conductance; `leak_soma`, `leak_dendrite`: pA of the leak at 0 mV,
drift and fluctuation included; `run_down`, `sahp_run_down`: factors on the L-type and slow AHP conductances;
`inactivated`: part of the L-type channels in the state to which dihydropyridines bind tightly, low-passed;
`corrected`: filtered current of the series resistance correction; `cancelled`: of the whole-cell cancellation;
`conductances`: nS, after drugs and run-down; `taken`, `effect`: sums over the drugs at each; `follow`: of the pipette
in current clamp, see `_follow`; `to_touch`, `to_break_in`: ticks, 0 when past. Whoever changes `access` or `tip_leak`
sets `to_tick` to 0, whoever changes the parameters `followed` as well."""

PARAMETERS = np.dtype(
    [
        *((name, "f8") for name in (
            # the cell; capacitances are 2 C / dt, nS
            "soma_charge", "dendrite_charge", "coupling", "leak_soma", "leak_dendrite", "leak_reversal",
            "na_reversal", "k_reversal", "ca_reversal", "ih_reversal", "sk_half4", "sk_decay", "ca_rest", "ca_gain",
            "ca_decay", "ahp_half2", "ahp_decay", "sensor_gain", "sensor_decay", "sensor_hva_share", "synapse_rise",
            "synapse_fall", "inactivation_half", "inactivation_slope", "inactivation_gain", "inactivated_at_60",
            # electrode and amplifier
            "seal", "capacitance", "neutralisation", "neutralisation_lag", "dt", "per_dt", "offset", "bridge",
            "clamp_decay", "correction", "correction_decay", "cancel_charge", "cancel_decay", "sealing", "broken_in",
            # noise
            "noisy", "johnson", "membrane_decay", "membrane_noise", "pink_fast", "pink_middle", "pink_slow",
            "pink_fast_decay", "pink_middle_decay", "pink_slow_decay", "pink_voltage", "hum_voltage", "hum_current",
            "hum_cos", "hum_sin",
            # slow changes, per tick
            "exchange", "access_drift", "access_walk", "reversal_drift", "fluctuation", "fluctuation_decay",
            "sahp_change", "sahp_change_decay", "run_down", "sahp_run_down", "epsp_chance", "epsp_size", "epsp_spread",
            "spike_chance", "spike_size",
        )),
        ("conductances", "f8", (len(CONDUCTANCES),)), ("filter", "f8", (10,)), ("per_tick", "i8"), ("substeps", "i8"),
    ],
    align=True,
)  # fmt: skip
"""`johnson` times sqrt(access) is the SD of the pipette's noise, mV per step; `broken_in`: MOhm after break-in."""
