"""The numbers that the file holds, from which live analysis starts as well."""

import numpy as np
import pytest

from protocols.sweeps import Channel

EVERY_COUNT = np.arange(-32768, 32768).astype(np.int16)


@pytest.mark.parametrize("unit", ["V", "A"])
@pytest.mark.parametrize(
    "coefficients",
    [(3e-4,), (0.0, 3.0517578125e-6), (-1.7e-4, 3.1e-6), (1e-5, 3e-6, -2e-14), (0.0, 3e-6, 1e-13, 7e-19)],
)
def test_counts_become_what_numpys_polynomial_says_to_the_last_bit(unit, coefficients):
    """Sessions recorded before must still be recovered to the same counts."""
    channel = Channel("primary", unit, coefficients)
    scaled = [c / channel.step for c in coefficients]
    exact = np.polynomial.polynomial.polyval(EVERY_COUNT.astype(np.float64), scaled).astype(np.float32)
    assert channel.stored(EVERY_COUNT).tobytes() == exact.tobytes()
