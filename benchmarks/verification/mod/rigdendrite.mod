: The dendrite of drivers/simulated/cell.py for NEURON: leak and h current (Magee 1998).

NEURON {
  THREADSAFE
  POINT_PROCESS RigDendrite
  NONSPECIFIC_CURRENT i
  RANGE leak_dendrite, leak_reversal, g_ih, ih_half, ih_reversal, temperature
}

UNITS {
  (nA) = (nanoamp)
  (mV) = (millivolt)
}

PARAMETER {
  leak_dendrite = 1 leak_reversal = -70 g_ih = 1 ih_half = -81 ih_reversal = -30 temperature = 34
}

ASSIGNED { v (mV) i (nA) linf ltau }

STATE { l }

INITIAL { settle(v) }

BREAKPOINT {
  SOLVE states METHOD cnexp
  i = (1e-3) * (leak_dendrite * (v - leak_reversal) + g_ih * l * (v - ih_reversal))
}

DERIVATIVE states {
  settle(v)
  l' = (linf - l) / ltau
}

PROCEDURE settle(v) { LOCAL x
  x = 2.2 * 96.48533 / (8.31446 * (273.15 + 34)) * (v + 75)
  linf = 1 / (1 + exp((v - ih_half) / 8))
  ltau = exp(0.4 * x) / (4.5 ^ 0.1 * 0.011 * (1 + exp(x))) * 4.5 ^ ((34 - temperature) / 10)
}
