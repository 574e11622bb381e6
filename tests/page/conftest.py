"""A real run with its real page in a real browser; skipped, with a sentence, where there is no browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003  a dataclass's annotation

import pytest

from tests.kit import HEAD, RIG

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE = 20_000
"""Milliseconds that something may take on a loaded computer; nothing waits longer than it must."""
HOLD = "- hold: {voltage: -70 mV, for: 4 s, test_pulses: {step: -5 mV, width: 50 ms, every: 500 ms}}"
TO_CURRENT = "- switch_to: {clamp: current, bias_to: -60 mV, bridge: 12 MOhm}"
SWEEP = "step: 300 pA, width: 150 ms, before: 800 ms, after: 2500 ms, test_pulse: {current: -50 pA, width: 300 ms}"
SERIES = f"- series: {{name: baseline, {SWEEP}, every: 4 s, sweeps: 4000}}"
FINISH = "finish: [{switch_to: {clamp: voltage, holding: -70 mV}}]"


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, driven by Playwright; no browser is downloaded."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the page's tests need 'playwright'")
    if CHROMIUM is None:
        pytest.skip("the page's tests need a Chromium: apt install chromium")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Screen:
    """A viewer's window, read by names."""

    page: object
    trouble: list = field(default_factory=list)
    """What the console said, and requests that left this computer."""

    def __post_init__(self):
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda m: self.trouble.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.trouble.append(str(e)))
        self.page.on("request", self._requested)

    def _requested(self, request):
        if not re.match(r"(https?|wss?)://127\.0\.0\.1:\d+/|data:|blob:", request.url):
            self.trouble.append(f"a request to {request.url}")

    def text(self, name):
        return _plain(self.page.locator(f'[data-name="{name}"]').first.inner_text())

    def waits_for(self, name, pattern):
        """Return the text of `name` once it matches."""
        spaced = re.compile(pattern.replace(" ", r"\s"))
        place = self.page.locator(f'[data-name="{name}"]').filter(has_text=spaced).first
        place.wait_for()
        return _plain(place.inner_text())

    def waits_until_changed(self, name, before):
        self.page.wait_for_function(
            '([name, before]) => document.querySelector(`[data-name="${name}"]`).innerText !== before',
            arg=[name, before],
        )
        return self.text(name)

    def waits_for_script(self, script):
        return self.page.wait_for_function(script)

    def close(self):
        self.page.context.close()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def logged(self, pattern):
        """Wait for a line of the log."""
        return self.waits_for("log", pattern)


def _plain(text):
    """Return a text with plain spaces: a unit stays on the line of its number."""
    return text.replace("\u00a0", " ")


@dataclass
class Rehearsal:
    """A run in a process of its own, with its page."""

    process: subprocess.Popen
    link: str
    out: Path
    browser: object
    watching: str = ""
    _contexts: list = field(default_factory=list)
    _servers: set = field(default_factory=set)

    def open(self, link=None, **options):
        """Open a viewer."""
        context = self.browser.new_context(viewport={"width": 1366, "height": 768}, **options)
        self._contexts.append(context)
        screen = Screen(context.new_page())
        screen.page.goto(link or self.link)
        return screen

    def server(self):
        """Return the page's server."""
        import psutil

        found = [c for c in psutil.Process(self.process.pid).children() if "acquisition.page" in c.cmdline()]
        self._servers |= set(found)
        return found[0] if found else None

    def ended(self):
        """Wait for the run's end, and return its exit code."""
        self.server()
        return self.process.wait(120)

    def session(self):
        return next(self.out.glob("*.nwb"))

    def close(self):
        for context in self._contexts:
            context.close()
        if self.process.poll() is None:
            import psutil

            self._servers |= set(psutil.Process(self.process.pid).children(recursive=True))
            self.process.kill()  # a rehearsal: nothing has to come to rest
            self.process.wait()
        for left in self._servers:
            if left.is_running():
                left.kill()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def rehearse(browser, tmp_path_factory):
    """Return a function that starts a simulated run of `steps` with its page, and gives it when the page answers."""
    begun = []

    def run(*steps, speed=50, options=()):
        tmp_path = tmp_path_factory.mktemp("rehearsal")
        protocol = tmp_path / "protocol.yaml"
        protocol.write_text(HEAD + "steps:\n" + "".join(f"  {s}\n" for s in steps) + FINISH, encoding="utf-8")
        out = tmp_path / "data"
        command = [
            sys.executable,
            "-c",
            "from acquisition.cli import main; main()",
            "run",
            str(protocol),
            "-r",
            str(RIG),
        ]
        command += ["--simulate", "--view", "--speed", str(speed), "-o", str(out), *options]
        environment = {**os.environ, "PATCHRIG_NO_BROWSER": "1", "XDG_STATE_HOME": str(tmp_path / "state")}
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        link = next(line.split()[1] for line in process.stderr if line.startswith("page "))
        rehearsal = Rehearsal(process, link, out, browser)
        begun.append(rehearsal)
        _answers(link)
        return rehearsal

    yield run
    for rehearsal in begun:
        rehearsal.close()


def _answers(link):
    """Return when the page's server listens."""
    import socket
    import time

    port, deadline = int(re.search(r":(\d+)/", link)[1]), time.monotonic() + PATIENCE / 1000
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
