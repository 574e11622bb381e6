"""Photographs every screen of the page, in both themes and two sizes and on a phone, to be looked at.

    python scripts/screenshots.py [FOLDER] [--large] [--keep] [--only NAME,NAME]

A rehearsal of the shipped drug study is run for it at many times life speed, and reviewed afterwards: five minutes.
Needs what the page's tests need: playwright (extra 'test') and a Chromium. `--large` adds a 4K screen, once with one
and once with two device pixels for a CSS pixel. `--keep` takes none but the small chosen set of docs/screens, and
writes it anew. NAME is one of files, run, review, test_pulses.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from acquisition.project_folder import fill  # noqa: E402
from tests.page.conftest import CHROMIUM, FLAGS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

THEMES = ("dark", "light")
SIZES: dict[str, dict[str, Any]] = {
    "1366": {"viewport": {"width": 1366, "height": 768}},
    "1600": {"viewport": {"width": 1600, "height": 950}},
}
LARGE: dict[str, dict[str, Any]] = {
    "2160": {"viewport": {"width": 3840, "height": 2160}},
    "1080x2": {"viewport": {"width": 1920, "height": 1080}, "device_scale_factor": 2},
}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
KEPT = {  # name in docs/screens -> screen, theme
    "run_dark": ("run", "dark"),
    "run_light": ("run", "light"),
    "test_pulses": ("test_pulses", "dark"),
    "review": ("review", "light"),
    "review_moved": ("review_moved", "dark"),
    "review_means": ("review_means", "light"),
    "protocol": ("protocol", "dark"),
    "mistake": ("mistake", "light"),
    "rig": ("rig_in_run", "light"),
    "phone": ("run", "dark"),
}
KEPT_SIZE = (1600, 900)
QUALITY = 82
SHADES = 256
"""Colours of a picture that is looked at: it takes a third of the room."""
STUDY = "protocols/sahp_l_type_block.yaml"
DOWN = 25
"""Sweeps from where the review begins to the middle of the drug."""
SPEED = "20"
PATIENCE = 240.0
"""Seconds that the study may take to come to its drug, or to its end."""


def main() -> None:
    """Take all pictures."""
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    only = next((sys.argv[i + 1].split(",") for i, a in enumerate(sys.argv) if a == "--only"), [])
    arguments = [a for a in arguments if a.split(",") != only]
    out = Path(arguments[0] if arguments else "screenshots").absolute()
    out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="study-") as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        sizes = {**SIZES, **LARGE} if "--large" in sys.argv else SIZES
        camera = Camera(browser, out, sizes, keep="--keep" in sys.argv)
        folder = Path(made)
        fill(folder)
        (folder / "data").mkdir(exist_ok=True)  # else the rig screen names the temporary folder above it
        for name, scene in SCENES.items():
            if not only or name in only:
                scene(camera, folder)
        browser.close()


class Camera:
    """Takes a screen in all themes and sizes."""

    def __init__(self, browser: Any, out: Path, sizes: dict[str, dict[str, Any]], *, keep: bool) -> None:
        """Write pictures of these sizes into `out`; `keep` makes the chosen set anew, and nothing else."""
        self._browser, self._out, self._sizes, self._keep = browser, out, sizes, keep

    @contextmanager
    def window(self, link: str, theme: str, **options: Any) -> Iterator[Any]:
        """Open `link`; what the console says is printed, for it should say nothing."""
        context = self._browser.new_context(**options)
        page = context.new_page()
        page.on("console", lambda m: sys.stderr.write(f"{link}: {m.text}\n") if m.type == "error" else None)
        page.on("pageerror", lambda e: sys.stderr.write(f"{link}: {e}\n"))
        page.goto(f"{link}{'&' if '?' in link else '?'}theme={theme}")
        try:
            yield page
        finally:
            context.close()

    def take(self, name: str, link: str, ready: Any, *, phone: bool = False) -> None:
        """Photograph `link` when `ready(page)` has returned; `phone` on a phone, too."""
        if self._keep:
            self._keep_some(name, link, ready)
            return
        for theme in THEMES:
            for size, options in {**self._sizes, **({"phone": PHONE} if phone else {})}.items():
                with self.window(link, theme, **options) as page:
                    ready(page)
                    self._shoot(page, f"{name}_{theme}_{size}")

    def _shoot(self, page: Any, name: str) -> None:
        page.wait_for_timeout(400)
        _few_colours(page.screenshot(), self._out / f"{name}.png")
        root = "document.documentElement"
        scroll = page.evaluate(f"() => [{root}.scrollWidth - innerWidth, {root}.scrollHeight - innerHeight]")
        words = ("wide",) if name.endswith("phone") else ("wide", "high")
        beyond = [f"{n} px too {word}" for n, word in zip(scroll, words, strict=False) if n > 0]
        print(f"{name}{': ' + ', '.join(beyond) if beyond else ''}", flush=True)  # noqa: T201  it is what the command says

    def _keep_some(self, name: str, link: str, ready: Any) -> None:
        for kept, (screen, theme) in KEPT.items():
            if screen != name:
                continue
            width, height = KEPT_SIZE
            options = PHONE if kept == "phone" else {"viewport": {"width": width, "height": height}}
            with self.window(link, theme, **options) as page:
                ready(page)
                page.wait_for_timeout(400)
                page.screenshot(path=self._out / f"{kept}.png")
            _small(self._out / f"{kept}.png", ROOT / "docs" / "screens" / f"{kept}.webp")


def _few_colours(picture: bytes, into: Path) -> None:
    from PIL import Image

    Image.open(BytesIO(picture)).convert("RGB").quantize(SHADES, Image.Quantize.MAXCOVERAGE).save(into, optimize=True)


def _small(picture: Path, into: Path) -> None:
    from PIL import Image

    into.parent.mkdir(parents=True, exist_ok=True)
    Image.open(picture).convert("RGB").save(into, "WEBP", quality=QUALITY, method=6)


@contextmanager
def served(folder: Path, *command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command of patchrig that opens a page, and give its process and the page's link."""
    import psutil

    process = subprocess.Popen(
        [sys.executable, "-m", "acquisition.cli", *command],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**_environment(folder), "PATCHRIG_NO_BROWSER": "1"},
    )  # fmt: skip
    try:
        link = next(line.split()[1] for line in process.stderr or () if line.startswith("page "))
        _answers(link)
        yield process, link
    finally:
        left = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()  # a rehearsal: nothing has to come to rest
        process.wait()
        for child in left:
            child.kill()


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}


def _answers(link: str) -> None:
    import socket

    port, until = int(re.findall(r":(\d+)", link)[0]), time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _at(link: str, screen: str) -> str:
    head, key = link.split("?")
    return f"{head.rsplit('/', 1)[0]}/{screen}?{key}"


def _waits(name: str, pattern: str, seconds: float = 30.0) -> Any:
    """Return what waits until `name` shows `pattern`."""

    def ready(page: Any) -> None:
        page.locator(f'[data-name="{name}"]').filter(has_text=re.compile(pattern)).first.wait_for(timeout=1e3 * seconds)

    return ready


# --- scenes ---------------------------------------------------------------------------------------------------------


def files(camera: Camera, folder: Path) -> None:
    """Photograph protocol and rig without a run."""
    _doctor(folder)
    with served(folder, "view", "--protocol", STUDY, "--rig", "rigs/simulated.yaml") as (_, link):
        camera.take("protocol", link, _waits("verdict", "no mistakes"), phone=True)
        camera.take("mistake", link, _mistaken)
        camera.take("rig", _at(link, "rig"), _waits("findings", "fits the rig"), phone=True)


def _doctor(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "acquisition.cli", "doctor", "--rig", "rigs/simulated.yaml", "--json"],
        cwd=folder, stdout=subprocess.DEVNULL, check=False,
        env=_environment(folder),
    )  # fmt: skip


def _mistaken(page: Any) -> None:
    _waits("verdict", "no mistakes")(page)
    page.evaluate(
        """() => {
            const field = document.querySelector('[data-name="text"]');
            const wrong = [["bias_to: -60 mV", "bias_to: -60 ms"], ["drift_below", "drift_bellow"]];
            for (const [right, typed] of wrong) field.value = field.value.replace(right, typed);
            field.dispatchEvent(new Event("input"));
        }"""
    )
    _waits("verdict", "▲")(page)
    page.keyboard.press(".")


def run(camera: Camera, folder: Path) -> None:
    """Photograph a run while its drug acts, its rig, and its session."""
    options = ("--simulate", "--view", "--yes", "-r", "rigs/simulated.yaml", "--cell", "R17c2", "--subject", "R17")
    with served(folder, "run", STUDY, *options, "--speed", SPEED) as (_, link):
        with camera.window(link, "dark") as page:
            page.locator('#steps li[data-state="now"]', has_text="drug").wait_for(timeout=1e3 * PATIENCE)
            page.wait_for_timeout(1000 * 300 / float(SPEED))  # five minutes of the drug
        camera.take("run", link, _waits("sAHP", "mV"), phone=True)
        camera.take("rig_in_run", _at(link, "rig"), _waits("now-primary", "mV"))
        with camera.window(link, "dark") as page:
            _waits("state-word", "OVER", PATIENCE)(page)
        camera.take("over", link, _waits("state-word", "OVER"))


def review(camera: Camera, folder: Path) -> None:
    """Photograph the session's review."""
    session = max(folder.glob("data/*.nwb"), default=None)
    if session is None:
        session = _rehearsed(folder)
    with served(folder, "review", str(session), "--view") as (_, link):
        camera.take("review", link, _at_a_drug_sweep, phone=True)
        camera.take("review_moved", link, _with_a_moved_window)
        camera.take("review_means", link, _with_means)


def _at_a_drug_sweep(page: Any) -> None:
    page.wait_for_timeout(4000)
    for _ in range(DOWN):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(1500)


def _with_a_moved_window(page: Any) -> None:
    page.locator('[data-name="effect"]').wait_for()
    page.locator('[data-name="window-A_1000-start"]').fill("700")
    page.keyboard.press("Enter")
    page.wait_for_selector('body[data-state="moved"]')
    page.wait_for_timeout(1500)


def _with_means(page: Any) -> None:
    page.locator('[data-name="effect"]').wait_for()
    page.keyboard.press("2")
    page.wait_for_timeout(3000)


def _rehearsed(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "acquisition.cli", "run", STUDY, "--simulate", "--yes", "-o", "data"],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
        env=_environment(folder),
    )  # fmt: skip
    return max(folder.glob("data/*.nwb"))


def test_pulses(camera: Camera, folder: Path) -> None:
    """Photograph a pipette on a cell."""
    options = ("--simulate", "--view", "--approach", "-r", "rigs/simulated.yaml", "-o", "approach", "--speed", "1")
    with served(folder, "run", STUDY, *options) as (_, link):

        def on_the_cell(page: Any) -> None:
            _waits("state-word", "TEST PULSES")(page)
            page.keyboard.press("3")
            _waits("test-R-label", "access")(page)
            _waits("test-R", r"\d")(page)
            page.wait_for_timeout(2000)

        camera.take("test_pulses", link, on_the_cell)


SCENES = {"files": files, "run": run, "review": review, "test_pulses": test_pulses}

if __name__ == "__main__":
    if CHROMIUM is None:
        raise SystemExit("needs a Chromium: apt install chromium")
    main()
