"""What the page costs, and how far it lags: frames per second, age of the newest sample when painted, the server's CPU.

    python -m benchmarks.page [seconds] [--viewers N]

A simulated run at life speed (2 channels, 20 kHz, 20 ms blocks), its page, and headless Chromium on this computer; then
the same run without a page. Prints frames per second, latency from the writing of the newest sample to the end of its
painting, CPU of the server and of the browser, and how late blocks came with and without the page. Bars: 30 frames/s,
p95 below 50 ms, server below 5 % of a core, blocks late no more often than without.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from acquisition.session.journal import Kind, scan
from tests.kit import HEAD, RIG
from tests.page.conftest import CHROMIUM, FLAGS

STEPS = """
steps:
  - switch_to: {clamp: current, bias_to: -60 mV, bridge: 12 MOhm}
  - series: {name: baseline, step: 300 pA, width: 150 ms, every: 8.2 s, before: 1500 ms, after: 6350 ms,
             test_pulse: {current: -50 pA, width: 300 ms}, sweeps: 400}
"""
LATE = 5e-3
"""Seconds behind its time after which a block counts as late."""


def start(folder: Path, *options: str) -> subprocess.Popen:
    protocol = folder / "protocol.yaml"
    protocol.write_text(HEAD + STEPS, encoding="utf-8")
    command = [sys.executable, "-c", "from acquisition.cli import main; main()", "run", str(protocol), "-r", str(RIG)]
    environment = {**os.environ, "PATCHRIG_NO_BROWSER": "1", "XDG_STATE_HOME": str(folder / "state")}
    return subprocess.Popen(
        [*command, "--simulate", "--speed", "1", "-o", str(folder / "data"), *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def journal(folder: Path) -> Path:
    while not (found := list(folder.glob("data/*.journal"))):
        time.sleep(0.1)
    return found[0]


def lateness(path: Path, since_ns: int) -> str:
    """Return how late the blocks of each sweep were written, by the recording computer's clock."""
    late, blocks, n = [], [], 0
    for record in scan(path):
        if record.kind is Kind.SWEEP_BEGIN:
            blocks = []
        elif record.kind is Kind.DATA and record.time_ns > since_ns:
            blocks.append(record.time_ns)
        elif record.kind is Kind.SWEEP_END and len(blocks) > 100:
            t = np.asarray(blocks) * 1e-9
            due = t[0] + np.arange(len(t)) * 20e-3
            behind = t - due
            late += list(behind - np.percentile(behind, 5))
            n += len(t)
    if not n:
        return "no whole sweep; measure for 20 s or longer"
    behind = np.asarray(late)
    share = 100 * (behind > LATE).mean()
    return f"{share:.1f} % of {n} blocks more than 5 ms late, worst {1e3 * behind.max():.0f} ms"


def cpu(processes) -> float:
    return sum(sum(p.cpu_times()[:2]) for p in processes if p.is_running())


def with_page(seconds: float, viewers: int) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        run = start(folder, "--view")
        link = next(line.split()[1] for line in run.stderr if line.startswith("page "))
        path = journal(folder)
        time.sleep(6)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        pages = [browser.new_page(viewport={"width": 1600, "height": 950}) for _ in range(viewers)]
        for page in pages:
            page.goto(link)
        page = pages[0]
        page.wait_for_function("() => globalThis.patchrigFrames.length > 100", timeout=60_000)
        (server,) = [c for c in psutil.Process(run.pid).children() if "acquisition.page" in c.cmdline()]
        chromium = [p for p in psutil.process_iter(["name"]) if "chrom" in (p.info["name"] or "")]
        before, began, since = (cpu([server]), cpu(chromium)), time.time(), time.monotonic_ns()
        page.evaluate("() => { globalThis.patchrigFrames.length = 0; }")
        page.wait_for_timeout(1000 * seconds)
        frames = np.asarray(json.loads(page.evaluate("() => JSON.stringify(globalThis.patchrigFrames)")))
        lasted = time.time() - began
        after = cpu([server]), cpu(chromium)
        memory = server.memory_info().rss / 2**20
        browser.close()
        gaps = np.diff(frames[:, 0])
        busy = gaps[gaps < 1000]  # between sweeps nothing is painted
        age = np.percentile(frames[:, 1], [50, 95, 100])
        loads = [100 * (y - x) / lasted for x, y in zip(before, after, strict=True)]
        lines = {
            "frames/s while a sweep is recorded": f"{1000 / busy.mean():.1f}   bar: 30 (the cap)",
            "last sample -> painted, ms": f"p50 {age[0]:.0f}, p95 {age[1]:.0f}, worst {age[2]:.0f}   bar: p95 < 50",
            "server": f"{loads[0]:.1f} % of a core, {memory:.0f} MB   bar: < 5 %",
            f"browser, viewers: {viewers}": f"{loads[1]:.0f} % of a core",
            "with the page": lateness(path, since),
        }
        for label, said in lines.items():
            print(f"{label:<36}{said}")
        for process in (server, *psutil.Process(run.pid).children(recursive=True)):
            process.kill()
        run.kill()
        run.wait()


def without_page(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = start(folder)
        path = journal(folder)
        time.sleep(6)
        since = time.monotonic_ns()
        time.sleep(seconds)
        print(f"without                             {lateness(path, since)}")
        for process in psutil.Process(run.pid).children(recursive=True):
            process.kill()
        run.kill()
        run.wait()


def main() -> None:
    numbers = [float(a) for a in sys.argv[1:] if a.replace(".", "").isdigit()]
    viewers = int(sys.argv[sys.argv.index("--viewers") + 1]) if "--viewers" in sys.argv else 1
    seconds = numbers[0] if numbers else 60.0
    print(f"load {os.getloadavg()[0]:.1f} at the start")
    with_page(seconds, viewers)
    without_page(seconds)


if __name__ == "__main__":
    main()
