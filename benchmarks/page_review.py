"""How soon a long session is on the Review screen, and how long moved windows take.

    python -m benchmarks.page_review [--sweeps 500] [--repeats 5] [--session FILE]

Writes a session of bursts (8 s at 20 kHz, two channels, all measures; one recording repeated, each with its own
numbers), starts `patchrig review --view` on it, and opens it in headless Chromium. Said are

* open: from the command to the link, the file checked and ready to serve;
* first paint: from the navigation's start until list, traces and windows of the first sweep are on the screen, the
  first time and as the median of later times;
* next sweep: from the key to the drawn sweep, median and p95 of 40 (every sweep is new to the server);
* windows: from letting a window go until all sweeps are measured again.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from acquisition.analysis.analyser import Settings, analyse
from acquisition.session.writer import SessionWriter
from protocols.sweeps import Channel, ClampMode, Frame, LogEntry, Measurement, RecordedSweep, Sweep, SweepHeader
from protocols.waveforms import step_sweep
from tests.page.conftest import CHROMIUM, FLAGS
from tests.session.synthetic import make_head

RATE, EVERY = 20_000.0, 20.0
CHANNELS = (Channel("primary", "V", (0.0, 1e-3 / 320)), Channel("secondary", "A", (0.0, 1e-12 / 10)))

NOISY = ("A_1000", "S_fix", "D50", "A_pk", "Rin")
"""Measures that differ from sweep to sweep."""


def write(folder: Path, sweeps: int) -> Path:
    """Write the session."""
    head = make_head()
    path = folder / head.file_name
    command = step_sweep(
        RATE, holding=90e-12, before=1.5, width=0.15, after=6.35, amplitude=300e-12, test_pulse=(-50e-12, 0.3, 0.8)
    )
    t = np.arange(command.n_samples) / RATE - 1.65
    volts = -60.0 - np.where(t > 0, 3.0 * np.exp(-t / 1.2), 0)
    for spike in (-0.13, -0.09, -0.05):
        volts += 90 * np.exp(-0.5 * ((t - spike) / 4e-4) ** 2)
    random = np.random.default_rng(1)
    current = 1e12 * command.values(0, command.n_samples)
    settings = Settings(target_spikes=(3, 4))
    with SessionWriter(path, head) as writer:
        writer.log(LogEntry(0.0, "solution", "ACSF", {"label": "ACSF", "switched": 0.0, "arrives": 0.0}))
        switch = EVERY * sweeps / 2
        writer.log(LogEntry(switch, "solution", "drug", {"label": "drug", "switched": switch, "arrives": switch + 45}))
        for index in range(sweeps):
            is_drug = EVERY * index > switch + 45
            noisy = np.stack([volts + random.normal(0, 0.1, len(t)), current + random.normal(0, 2, len(t))])
            counts = np.rint(noisy * [[320], [10]]).astype(np.int16)
            sweep, label = Sweep(index, ClampMode.CURRENT, command), "drug" if is_drug else "baseline"
            told: dict[str, float | str] = {"mode": "current clamp", "low_pass": 4000.0, "bridge_balance": 12e6}
            header = SweepHeader(
                sweep, EVERY * index, label, "series", 2 + is_drug, label, CHANNELS, 90e-12, told, 30.0
            )
            writer.begin_sweep(header)
            writer.samples(Frame(0, counts))
            writer.end_sweep()
            if index == 0:
                first = analyse(RecordedSweep(header, {"primary": CHANNELS[0].stored(counts[0])}), settings)
            writer.measured([_again(m, index, 1 + 0.05 * random.normal() if m.name in NOISY else 1.0) for m in first])
    return path


def _again(m: Measurement, index: int, factor: float) -> Measurement:
    return replace(m, sweep=index, time=m.time + EVERY * index, value=m.value * factor)


def measure(path: Path, repeats: int) -> None:
    """Open the session, and say what it took."""
    from playwright.sync_api import sync_playwright

    began = time.perf_counter()
    command = [sys.executable, "-c", "from acquisition.cli import main; main()", "review", str(path), "--view"]
    environment = {**os.environ, "PATCHRIG_NO_BROWSER": "1"}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert server.stderr is not None
    link = next(line.split()[1] for line in server.stderr if line.startswith("page "))
    print(f"open           {time.perf_counter() - began:.2f} s from the command to the link")
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            paints, cpu = [], 0.0
            before = sum(psutil.Process(server.pid).cpu_times()[:2])
            for _ in range(repeats):
                page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
                page.goto(link)
                page.wait_for_selector("body[data-painted]")
                paints.append(int(page.evaluate("document.body.dataset.painted")))
                cpu = cpu or sum(psutil.Process(server.pid).cpu_times()[:2]) - before
                page.locator('[data-name="effect"]').wait_for()
                if len(paints) < repeats:
                    page.context.close()
            print(
                f"first paint    {paints[0]:.0f} ms at first, then {statistics.median(paints[1:]):.0f} ms (median); "
                f"{1e3 * cpu:.0f} ms of the server's CPU at first"
            )
            steps = []
            for sweep in range(10, 410, 10):
                start = time.perf_counter()
                page.keyboard.press("PageDown")
                page.wait_for_selector(f'body[data-sweep="{sweep}"]')
                steps.append(1e3 * (time.perf_counter() - start))
            print(f"next sweep     {statistics.median(steps):.0f} ms (median), {np.percentile(steps, 95):.0f} ms (p95)")
            start = time.perf_counter()
            page.locator('[data-name="window-A_1000-start"]').fill("700")
            page.keyboard.press("Enter")
            page.wait_for_selector('body[data-state="moved"]', timeout=300_000)
            print(f"windows        {time.perf_counter() - start:.1f} s until all sweeps are measured again")
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)


def main() -> None:
    """Write the session, if none is given, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--session", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.session or write(Path(folder), asked.sweeps)
        print(
            f"session        {asked.sweeps} sweeps, {path.stat().st_size / 1e6:.0f} MB; load {os.getloadavg()[0]:.1f}"
        )
        measure(path, asked.repeats)


if __name__ == "__main__":
    main()
