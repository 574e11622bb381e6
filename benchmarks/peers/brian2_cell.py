"""Lets Brian2 live the simulated cell, in an environment of its own. Started by `benchmarks.simulator`.

    python brian2_cell.py < task.json

The task has the cell's parameters at its temperature, its steady state, dt (ms), the holding current and the step (pA),
and how many seconds to live. C++ standalone, exponential Euler, one cell; building is not timed. Answers a line of
JSON: processor seconds of the run and the spikes it made. Nothing of patchrig is imported here.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile

import brian2 as b2

EQUATIONS = """
dVs/dt = ((held + pulse(t) - leak_soma*(Vs-leak_reversal) - g_na*m**3*h*(Vs-na_reversal)
  - (g_kdr*n + g_ka*ga*gb + g_km*w + g_sk*z + g_ahp*q)*(Vs-k_reversal) - il - ih - coupling*(Vs-Vd))/Cs)/ms : 1
dVd/dt = ((-leak_dendrite*(Vd-leak_reversal) - g_ih*l*(Vd-ih_reversal) - coupling*(Vd-Vs))/Cd)/ms : 1
il = g_l_type*c*(Vs-ca_reversal) : 1
ih = g_hva*p**2*r*(Vs-ca_reversal) : 1
am = 0.4*na_slope/exprel(-(Vs-na_activation)/na_slope) : 1
bm = 0.124*na_slope/exprel((Vs-na_activation)/na_slope) : 1
dm/dt = (am/(am+bm)-m)/(clip(0.5/(am+bm), 0.02, 1e9)*q2)/ms : 1
ah = 0.03*1.5/exprel(-(Vs-na_inactivation_turn)/1.5) : 1
bh = 0.01*1.5/exprel((Vs-na_inactivation_turn)/1.5) : 1
dh/dt = (1/(1+exp((Vs-na_inactivation)/4))-h)/(clip(0.5/(ah+bh), na_inactivation_fastest, 1e9)*q2)/ms : 1
xn = exp(-3*zeta*(Vs-kdr_half)) : 1
dn/dt = (1/(1+xn)-n)/(clip(xn**0.7/(0.02*(1+xn)), kdr_fastest, 1e9)*q3)/ms : 1
xa = (-1.5-1/(1+exp((Vs+40)/5)))*zeta*(Vs-11) : 1
dga/dt = (1/(1+exp(xa))-ga)/(clip(exp(0.55*xa)/(0.25*(1+exp(xa))), 0.1, 1e9)*q5)/ms : 1
dgb/dt = (1/(1+exp(3*zeta*(Vs+56)))-gb)/(clip(0.26*(Vs+50), 2, 1e9)*q3)/ms : 1
xw = exp(0.2646*(Vs+42)) : 1
dw/dt = (1/(1+exp(-(Vs-km_half)/km_slope))-w)/((60+xw**0.4/(0.009*(1+xw)))*q5)/ms : 1
ac = 0.055*3.8/exprel(-(Vs-l_type_shift+27.01)/3.8) : 1
bc = 0.94*exp((-63.01-Vs+l_type_shift)/17) : 1
dc/dt = (ac/(ac+bc)-c)/(clip(0.2/(ac+bc), 0.02, 1e9)*q3)/ms : 1
ap = 0.16*4.5/exprel(-(Vs+26)/4.5) : 1
bp = 0.04*10/exprel((Vs+12)/10) : 1
dp/dt = (ap/(ap+bp)-p)/(clip(1/(ap+bp), 0.02, 1e9)*q3)/ms : 1
ar = 2*exp(-(Vs+94)/10) : 1
br = 8/(1+exp(-(Vs-68)/27)) : 1
dr/dt = (ar-(ar+br)*r)/q3/ms : 1
xl = exp(2.2*zeta*(Vd+75)) : 1
dl/dt = (1/(1+exp((Vd-ih_half)/8))-l)/(xl**0.4/(4.5**0.1*0.011*(1+xl))*q45)/ms : 1
dca/dt = (-ca_per_charge*(il+ih)-(ca-ca_rest)/ca_tau)/ms : 1
ds/dt = (-sensor_per_charge*(il+sensor_hva_share*ih)-s/sensor_tau)/ms : 1
dz/dt = (ca**4/(ca**4+sk_half**4)-z)/sk_tau/ms : 1
dq/dt = (s**2/(s**2+ahp_half**2)-q)/ahp_tau/ms : 1
"""
"""After drivers/simulated/cell.py; mV, pA, nS, pF without units."""


def live(task: dict) -> dict:
    """Return seconds and spikes of one task."""
    cell, seconds = task["cell"], task["seconds"]
    b2.set_device("cpp_standalone", build_on_run=False, directory=tempfile.mkdtemp())
    b2.defaultclock.dt = task["dt"] * b2.ms
    colder = (34 - cell["temperature"]) / 10
    onsets = [(task["step"] if t % 5000 // 150 == 0 and t >= 5000 else 0.0) for t in range(0, int(seconds * 1e3), 50)]
    names = {
        **cell, "held": task["held"], "Cs": cell["capacitance_soma"], "Cd": cell["capacitance_dendrite"],
        "zeta": 96.48533 / (8.31446 * (273.15 + 34)),
        "q2": 2**colder, "q3": 3**colder, "q5": 5**colder, "q45": 4.5**colder,
        "pulse": b2.TimedArray(onsets, dt=50 * b2.ms),
    }  # fmt: skip
    group = b2.NeuronGroup(
        1, EQUATIONS, method="exponential_euler", threshold="Vs > -10", refractory="Vs > -10", namespace=names
    )
    for name, value in task["state"].items():
        setattr(group, name, value)
    spikes = b2.SpikeMonitor(group)
    b2.run(seconds * b2.second)
    b2.device.build(directory=tempfile.mkdtemp(), run=False)
    times = []
    for _ in range(task["repeats"]):
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        b2.device.run(b2.device.project_dir, with_output=False, run_args=[])
        times.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start)
    return {"seconds": times, "spikes": int(spikes.num_spikes)}


if __name__ == "__main__":
    print(json.dumps(live(json.load(sys.stdin))))
