"""An amplifier with knobs: the volts of its telegraph outputs, and the hands that turn it."""

import re


class Panel:
    """Knobs by telegraph; each stands at a voltage. Reading follows `noise`, and knobs turn late if asked."""

    def __init__(self, table, **volts):
        self.table, self.volts = table, dict(volts)
        self.noise = lambda: 0.0
        self.readings = 0
        self._coming = []

    def read(self, channel):
        self.readings += 1
        self._coming = [(n - 1, c, v) for n, c, v in self._coming]
        for _, where, volts in [c for c in self._coming if c[0] <= 0]:
            self.volts[where] = volts
        self._coming = [c for c in self._coming if c[0] > 0]
        return self.volts[channel] + self.noise()

    def turn(self, channel, volts, *, after=0):
        """Turn the knob `channel` to `volts`, when it has been read `after` times more."""
        if after:
            self._coming.append((after, channel, volts))
        else:
            self.volts[channel] = volts


class Turner:
    """Does what it is told, at once or after some readings; keeps what it heard."""

    def __init__(self, panel, *, after=0, confirms=True):
        self.panel, self.after, self.confirms = panel, after, confirms
        self.heard = []

    def tell(self, text):
        self.heard.append(text)
        if knob := re.search(r"mode knob to (.+)$", text):
            position = next(p for p in self.panel.table.mode.positions if p.knob == knob[1])
            self.panel.turn("mode", position.volts, after=self.after)
        if gain := re.search(r"output gain to ([\d.e+]+) mV", text):
            i = self.panel.table.gain.gains.index(float(gain[1]))
            self.panel.turn("gain", self.panel.table.gain.steps[i], after=self.after)
        if corner := re.search(r"output filter to ([\d.]+) kHz", text):
            i = self.panel.table.frequency.hertz.index(float(corner[1]) * 1e3)
            self.panel.turn("frequency", self.panel.table.frequency.volts[i], after=self.after)

    def confirm(self, text):
        self.heard.append(text)
        return self.confirms


class Idle:
    """Hears everything and turns nothing."""

    def __init__(self):
        self.heard = []

    def tell(self, text):
        self.heard.append(text)

    def confirm(self, text):
        self.heard.append(text)
        return False
