: The soma of drivers/simulated/cell.py, stated once more and independently, for NEURON.
: Rates after Migliore 1999 (na3, kdrca1, kaprox), Shah 2006 (km), Poirazi 2003 (cal) and Warman 1994 (HVA Ca).
: Conductances arrive at the cell's temperature; time constants are made here from 34 degC by Q10.

NEURON {
  THREADSAFE
  POINT_PROCESS RigSoma
  NONSPECIFIC_CURRENT i
  RANGE leak_soma, leak_reversal, g_na, g_kdr, g_ka, g_km, g_l_type, g_hva, g_sk, g_ahp
  RANGE na_reversal, k_reversal, ca_reversal, na_activation, na_slope, na_inactivation, na_inactivation_turn, na_inactivation_fastest
  RANGE kdr_half, kdr_speed, kdr_fastest, km_half, km_slope, l_type_shift
  RANGE ca_rest, ca_per_charge, ca_tau, sk_half, sk_tau
  RANGE sensor_per_charge, sensor_tau, sensor_hva_share, ahp_half, ahp_tau, temperature
}

UNITS {
  (nA) = (nanoamp)
  (mV) = (millivolt)
}

PARAMETER {
  leak_soma = 1 leak_reversal = -70
  g_na = 1 g_kdr = 1 g_ka = 1 g_km = 1 g_l_type = 1 g_hva = 1 g_sk = 1 g_ahp = 1
  na_reversal = 55 k_reversal = -90 ca_reversal = 80
  na_activation = -30 na_slope = 7.2 na_inactivation = -50 na_inactivation_turn = -45 na_inactivation_fastest = 0.5
  kdr_half = 13 kdr_speed = 0.02 kdr_fastest = 2 km_half = -40 km_slope = 10 l_type_shift = 0
  ca_rest = 0.05 ca_per_charge = 1e-5 ca_tau = 60 sk_half = 0.6 sk_tau = 10
  sensor_per_charge = 1e-5 sensor_tau = 1300 sensor_hva_share = 0.3 ahp_half = 1 ahp_tau = 250
  temperature = 34
}

ASSIGNED {
  v (mV) i (nA)
  il ih zeta
  minf mtau hinf htau ninf ntau ainf atau binf btau winf wtau cinf ctau pinf ptau rinf rtau
}

STATE { m h n a b w c p r ca s z q }

INITIAL { settle(v) }

BREAKPOINT {
  SOLVE states METHOD cnexp
  il = g_l_type * c * (v - ca_reversal)
  ih = g_hva * p * p * r * (v - ca_reversal)
  i = (1e-3) * (leak_soma * (v - leak_reversal) + g_na * m * m * m * h * (v - na_reversal)
    + (g_kdr * n + g_ka * a * b + g_km * w + g_sk * z + g_ahp * q) * (v - k_reversal) + il + ih)
}

DERIVATIVE states {
  settle(v)
  m' = (minf - m) / mtau
  h' = (hinf - h) / htau
  n' = (ninf - n) / ntau
  a' = (ainf - a) / atau
  b' = (binf - b) / btau
  w' = (winf - w) / wtau
  c' = (cinf - c) / ctau
  p' = (pinf - p) / ptau
  r' = (rinf - r) / rtau
  ca' = -ca_per_charge * (g_l_type * c + g_hva * p * p * r) * (v - ca_reversal) - (ca - ca_rest) / ca_tau
  s' = -sensor_per_charge * (g_l_type * c + sensor_hva_share * g_hva * p * p * r) * (v - ca_reversal) - s / sensor_tau
  z' = (ca * ca * ca * ca / (ca * ca * ca * ca + sk_half * sk_half * sk_half * sk_half) - z) / sk_tau
  q' = (s * s / (s * s + ahp_half * ahp_half) - q) / ahp_tau
}

FUNCTION lin(x, k) {
  if (fabs(x / k) < 1e-6) { lin = k * (1 + x / k / 2) } else { lin = x / (1 - exp(-x / k)) }
}

FUNCTION atleast(x, y) { if (x > y) { atleast = x } else { atleast = y } }

FUNCTION slower(q10) { slower = q10 ^ ((34 - temperature) / 10) }

PROCEDURE settle(v) { LOCAL up, down, x
  zeta = 96.48533 / (8.31446 * (273.15 + 34))

  up = 0.4 * lin(v - na_activation, na_slope)
  down = 0.124 * lin(-(v - na_activation), na_slope)
  minf = up / (up + down)
  mtau = atleast(0.5 / (up + down), 0.02) * slower(2)

  up = 0.03 * lin(v - na_inactivation_turn, 1.5)
  down = 0.01 * lin(-(v - na_inactivation_turn), 1.5)
  hinf = 1 / (1 + exp((v - na_inactivation) / 4))
  htau = atleast(0.5 / (up + down), na_inactivation_fastest) * slower(2)

  x = -3 * zeta * (v - kdr_half)
  ninf = 1 / (1 + exp(x))
  ntau = atleast(exp(0.7 * x) / (kdr_speed * (1 + exp(x))), kdr_fastest) * slower(3)

  x = (-1.5 - 1 / (1 + exp((v + 40) / 5))) * zeta * (v - 11)
  ainf = 1 / (1 + exp(x))
  atau = atleast(exp(0.55 * x) / (0.25 * (1 + exp(x))), 0.1) * slower(5)

  binf = 1 / (1 + exp(3 * zeta * (v + 56)))
  btau = atleast(0.26 * (v + 50), 2) * slower(3)

  x = 0.2646 * (v + 42)
  winf = 1 / (1 + exp(-(v - km_half) / km_slope))
  wtau = (60 + exp(0.4 * x) / (0.009 * (1 + exp(x)))) * slower(5)

  up = 0.055 * lin(v - l_type_shift + 27.01, 3.8)
  down = 0.94 * exp((-63.01 - v + l_type_shift) / 17)
  cinf = up / (up + down)
  ctau = atleast(0.2 / (up + down), 0.02) * slower(3)

  up = 0.16 * lin(v + 26, 4.5)
  down = 0.04 * lin(-(v + 12), 10)
  pinf = up / (up + down)
  ptau = atleast(1 / (up + down), 0.02) * slower(3)

  up = 2 * exp(-(v + 94) / 10)
  down = 8 / (1 + exp(-(v - 68) / 27))
  rinf = up / (up + down)
  rtau = 1 / (up + down) * slower(3)
}
