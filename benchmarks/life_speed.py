"""Whether the life-speed mode keeps real time: a simulated rig at 50 kHz in blocks of 10 ms, beside writer and viewer.

    python -m benchmarks.life_speed [SECONDS] [--viewer chromium|socket|none]

`patchrig run --simulate --speed 1 --view` in a process of its own, as a person starts it: the whole simulated rig, the
live analysis, the journal, the packer that makes the session file, and the page's server. The viewer is the page in
headless Chromium (the default where there is one), or a WebSocket client that takes all that a page is sent.

How it is measured: every block stands in the journal with the recording computer's monotonic clock at the moment it was
written. In each sweep block k (from 0) is due k times 10 ms after block 0; the zero of this line is laid through the
block that came earliest against it, so that no block is early and a constant delay (converter to journal) does not
count. A block is late when it is more than one block (10 ms) behind its line: then the recording did not keep up for a
moment. Blocks of the first seconds (start of the packer, browser and server) are left out. A sweep that begins late as
a whole is not seen this way, so how far sweeps began off their interval is printed, too. Bar: 0 late blocks in 60 s
on a quiet computer. Start nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import numpy as np
import psutil

from acquisition.session.journal import Kind, scan
from tests.kit import HEAD, RIG
from tests.page.conftest import CHROMIUM, FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

BLOCK = 10e-3
"""s."""
EVERY = 8.2
"""Seconds from sweep to sweep; a sweep lasts 8."""
WARMING = 8.0
"""Seconds that are left out at the start."""
PATIENCE = 60.0
"""Seconds for journal and page to appear."""
STEPS = f"""
steps:
  - switch_to: {{clamp: current, bias_to: -60 mV, bridge: 12 MOhm}}
  - series: {{name: baseline, step: 300 pA, width: 150 ms, every: {EVERY} s, before: 1500 ms, after: 6350 ms,
             test_pulse: {{current: -50 pA, width: 300 ms}}, sweeps: 400}}
"""


@dataclass
class Lateness:
    """How far behind their time blocks came; s."""

    blocks: list[float] = field(default_factory=list)
    sweeps: list[float] = field(default_factory=list)
    """When each sweep began to be written, on the monotonic clock."""

    def add(self, times_ns: list[int]) -> None:
        """Take one sweep's blocks, or those of them that are looked at."""
        t = np.asarray(times_ns) * 1e-9
        behind = t - t[0] - np.arange(len(t)) * BLOCK
        self.blocks += list(behind - behind.min())

    @property
    def late(self) -> int:
        """Blocks more than one block behind."""
        return int(np.sum(np.asarray(self.blocks) > BLOCK))


def main() -> None:
    """Run, look, and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("seconds", type=float, nargs="?", default=60.0)
    asked.add_argument("--viewer", choices=sorted(VIEWERS), default="chromium" if CHROMIUM else "socket")
    wish = asked.parse_args()
    print(
        f"50 kHz, 2 channels, blocks of 10 ms, viewer: {wish.viewer}, {wish.seconds:g} s; load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as (process, link):
        path = once(lambda: next(Path(name).glob("data/*.journal"), None), "the run made no journal")
        once(lambda: answers(link), "the page does not answer")
        with VIEWERS[wish.viewer](link):
            time.sleep(WARMING)
            since, before = time.monotonic_ns(), cpu(process)
            time.sleep(wish.seconds)
            used = {k: v - before.get(k, 0.0) for k, v in cpu(process).items()}
            if process.poll() is not None:
                raise SystemExit(f"the run ended too early, with {process.returncode}")
            show(lateness(path, since), used, wish.seconds)


def show(found: Lateness, used: dict[str, float], seconds: float) -> None:
    """Print what was found."""
    if not found.blocks:
        raise SystemExit("no block was written: measure for longer")
    behind = 1e3 * np.asarray(found.blocks)
    p50, p99, worst = np.percentile(behind, [50, 99, 100])
    n = f"{len(behind)} ({len(behind) * BLOCK:.0f} s of samples)"
    print(f"late blocks (more than one block behind): {found.late} of {n}   bar: 0")
    print(f"behind their time: p50 {p50:.2f}, p99 {p99:.2f}, worst {worst:.1f} ms")
    if len(found.sweeps) > 1:
        print(f"sweeps began at most {1e3 * np.abs(np.diff(found.sweeps) - EVERY).max():.1f} ms off their interval")
    print("of a core: " + ", ".join(f"{name} {100 * spent / seconds:.0f} %" for name, spent in used.items()))
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def lateness(path: Path, since_ns: int) -> Lateness:
    """Return how late the blocks of `path` were written that came after `since_ns`."""
    found, times = Lateness(), list[int]()
    for record in scan(path):
        if record.time_ns <= since_ns:
            continue
        if record.kind is Kind.DATA:
            times.append(record.time_ns)
        elif record.kind is Kind.SWEEP_BEGIN:
            found.sweeps.append(record.time_ns * 1e-9)
            if times:
                found.add(times)
            times = []
    if times:
        found.add(times)
    return found


# --- the run ----------------------------------------------------------------------------------------------------------


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the run; give its process and the page's link."""
    (folder / "protocol.yaml").write_text(HEAD.replace("20 kHz", "50 kHz") + STEPS, encoding="utf-8")
    rig = RIG.read_text(encoding="utf-8").replace("block: 20 ms", "block: 10 ms")
    (folder / "rig.yaml").write_text(rig, encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "from acquisition.cli import main; main()",
        "run",
        "protocol.yaml",
        "-r",
        "rig.yaml",
    ]
    root = str(RIG.parents[2])
    environment = {
        **os.environ,
        "PATCHRIG_NO_BROWSER": "1",
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": root,
    }
    process = subprocess.Popen(
        [*command, "--simulate", "--speed", "1", "--view", "-o", "data"], cwd=folder, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        link = next((line.split()[1] for line in process.stderr if line.startswith("page ")), None)
        if link is None:
            raise SystemExit("the run gave no page")
        threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would halt the run
        yield process, link
    finally:
        left = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()  # a rehearsal: nothing has to come to rest
        process.wait()
        for child in left:
            child.kill()
        psutil.wait_procs(left, timeout=5)


def once(look: Callable[[], T | None], otherwise: str) -> T:
    """Return what `look` finds once it finds something."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise SystemExit(otherwise)


def answers(link: str) -> bool:
    """Return whether the page's server listens."""
    place = urlsplit(link)
    with suppress(OSError), socket.create_connection((place.hostname, place.port), 1):
        return True
    return False


def cpu(process: subprocess.Popen[str]) -> dict[str, float]:
    """Return the CPU time of the recording, of its page and of its other children (the packer), s."""
    run = psutil.Process(process.pid)
    used = {"recording": sum(run.cpu_times()[:2]), "page server": 0.0, "packer and others": 0.0}
    for child in run.children(recursive=True):
        kind = "page server" if "acquisition.page" in child.cmdline() else "packer and others"
        used[kind] += sum(child.cpu_times()[:2])
    return used


# --- viewers ----------------------------------------------------------------------------------------------------------


@contextmanager
def chromium(link: str) -> Iterator[None]:
    """Look at the page in a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.goto(link)
            yield
            print(f"the page painted {page.evaluate('() => globalThis.patchrigFrames.length')} frames")
        finally:
            browser.close()


@contextmanager
def client(link: str) -> Iterator[None]:
    """Take all that a page is sent."""
    from websockets.sync.client import connect

    found = re.fullmatch(r"http://([^/]+:(\d+))/.*key=([^&]+)", link)
    assert found is not None, link
    host, port, key = found.groups()
    cookie = {"Cookie": f"patchrig_{port}={key}"}
    with connect(f"ws://{host}/ws", origin=f"http://{host}", additional_headers=cookie, max_size=None) as wire:
        taken: list[int] = []
        reader = threading.Thread(target=lambda: taken.extend(len(message) for message in wire), daemon=True)
        reader.start()
        yield
        print(f"the viewer took {len(taken)} messages, {sum(taken) / 1e6:.1f} MB")


@contextmanager
def nobody(_link: str) -> Iterator[None]:
    """Leave the page alone."""
    yield


VIEWERS = {"chromium": chromium, "socket": client, "none": nobody}

if __name__ == "__main__":
    main()
