"""A page of a project folder, without a run: protocols, a rig, and a server that is shown them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

from tests.kit import RIG
from tests.page.conftest import Screen


class Desk:
    """The folder, and viewers of its page."""

    def __init__(self, browser, link, folder):
        self._browser, self._link, self.folder = browser, link, folder

    def open(self, screen, **options):
        context = self._browser.new_context(viewport={"width": 1366, "height": 768}, **options)
        shown = Screen(context.new_page())
        head, key = self._link.split("?")
        shown.page.goto(f"{head.rsplit('/', 1)[0]}/{screen}{'&' if '?' in screen else '?'}{key}")
        return shown


@contextmanager
def shown(browser, folder, *options):
    """Serve the page of `folder`, which gets the simulated rig."""
    (folder / "rigs").mkdir()
    shutil.copy(RIG, folder / "rigs" / "simulated.yaml")
    environment = {**os.environ, "PATCHRIG_NO_BROWSER": "1", "XDG_STATE_HOME": str(folder / "state")}
    server = subprocess.Popen(
        [sys.executable, "-m", "acquisition.cli", "view", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    try:
        link = next(line.split()[1] for line in server.stderr if line.startswith("page "))
        yield Desk(browser, link, folder)
    finally:
        server.terminate()
        server.wait(10)
        server.stderr.close()
