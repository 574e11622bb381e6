"""The computer: Python, packages, names, time, precedence, power. Commands nothing."""

from __future__ import annotations

import platform
import re
import statistics
import subprocess
import sys
import time
from datetime import datetime
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.doctor.finding import Check, Finding, Section, bad, note, ok, section
from acquisition.precedence import advice, going_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from packaging.requirements import Requirement

    from acquisition.precedence.way import Way

OURS = ("acquisition", "config", "drivers", "protocols", "patchrig")
"""Our packages have plain names, and a file of such a name elsewhere would be taken in their place."""
SHOWN = ("numpy", "h5py", "nidaqmx", "pyvisa")
"""Packages whose versions are shown; all are checked."""
SLEEPS, NAP = 60, 1e-3
COARSE = 5e-3
"""Seconds that a nap of 1 ms may take. Windows' timer ticks every 15.6 ms unless a program asks for more."""
WRITTEN = datetime(2025, 1, 1).astimezone()
"""This program is younger than that, so the present is later."""
BEST_PLANS = ("8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c", "e9a42b02-d5df-448d-aa00-03f14749eb61")
"""'High performance' and 'Ultimate performance' of Windows (Microsoft, powercfg /list)."""
PIP = "run 'pip install --upgrade patchrig' in patchrig's own environment"


def look_at_computer() -> Section:
    """Return what is to be said of this computer."""
    return section(
        "This computer",
        (
            Check("packages", packages, PIP),
            Check("names", lambda: names(Path.cwd(), sys.path), "start patchrig in another folder"),
            Check("timer", timer, "close programs that keep the computer busy"),
            Check("precedence", precedence, "close programs that keep the computer busy"),
            Check("clock", clock, "set date, time and time zone of the computer"),
            Check("power", power, "look at the power options in Windows' settings yourself"),
        ),
    )


# --- packages -------------------------------------------------------------------------------------------------------


def packages() -> Iterator[Finding]:
    """Compare installed packages with what patchrig needs."""
    from packaging.requirements import Requirement

    needed = [Requirement(text) for text in metadata.requires("patchrig") or ()]
    needed = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    versions = {r.name: _version(r.name) for r in needed}
    wrong = [f"{r} (is {versions[r.name] or 'missing'})" for r in needed if not _fits(r, versions[r.name])]
    shown = ", ".join(f"{name} {versions.get(name)}" for name in SHOWN)
    about = f"patchrig {metadata.version('patchrig')}, Python {platform.python_version()}, {platform.system()}"
    if wrong:
        yield bad("packages", f"{about}; wanted: {', '.join(wrong)}", PIP)
    else:
        yield ok("packages", f"{about}; all {len(needed)} packages as wanted ({shown})")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _fits(needed: Requirement, version: str | None) -> bool:
    return version is not None and needed.specifier.contains(version, prereleases=True)


# --- names ----------------------------------------------------------------------------------------------------------


def names(here: Path, path: Sequence[str]) -> Iterator[Finding]:
    """Look for packages and files that have our names and are not ours.

    A folder without `__init__.py` is harmless: a package anywhere on the path comes before it. The guardian and
    notebooks have the working directory first on their path.
    """
    root = Path(__file__).resolve().parents[2]
    places = dict.fromkeys([str(here), *(p or str(here) for p in path)])
    strangers = [s for place in places for name in OURS if (s := _package(name, place)) and not s.is_relative_to(root)]
    if strangers:
        shown = ", ".join(str(s.parent if s.name == "__init__.py" else s) for s in strangers)
        do = "rename it, or start patchrig in another folder; a package is removed by 'pip uninstall'"
        yield bad("names", f"not ours, but named as our packages are: {shown}", do)
    else:
        yield ok("names", f"nothing is in the way of our packages ({', '.join(OURS)})")


def _package(name: str, place: str) -> Path | None:
    """Return the file that `import name` would take from `place`; None for a mere folder, or nothing."""
    spec = PathFinder.find_spec(name, [place])
    return Path(spec.origin).resolve() if spec is not None and spec.origin else None


# --- time -----------------------------------------------------------------------------------------------------------


def timer(
    sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.perf_counter
) -> Iterator[Finding]:
    """Measure how long a nap of 1 ms takes; the card paces the samples, so a coarse timer only delays the screen."""
    naps = [_nap(sleep, now) for _ in range(SLEEPS)]
    usual, worst = statistics.median(naps), max(naps)
    found = f"a sleep of 1 ms takes {usual * 1e3:.1f} ms, {worst * 1e3:.1f} ms at worst"
    if usual > COARSE:
        yield note("timer", found, "close programs that keep the computer busy; samples are timed by the card alone")
    else:
        yield ok("timer", found)


def _nap(sleep: Callable[[float], None], now: Callable[[], float]) -> float:
    began = now()
    sleep(NAP)
    return now() - began


def precedence(
    going: Callable[[], AbstractContextManager[Way | None]] = going_first, do: Callable[[Way | None], str] = advice
) -> Iterator[Finding]:
    """Ask for what a run asks for, and give it back at once."""
    with going() as way:
        pass
    if way is None:
        words = "a run waits for its turn among other programs; no sample is lost by that, but the screen may be late"
    else:
        words = f"a run {'goes before' if way.is_strict else 'gets more than'} other programs ({way.words})"
    more = do(way)
    yield note("precedence", words, more) if more else ok("precedence", words)


def clock(at: datetime | None = None) -> Iterator[Finding]:
    """Show date and time zone, which every session carries."""
    at = at or datetime.now().astimezone()
    shown = f"{at:%Y-%m-%d %H:%M} {at.tzname()} (UTC{at:%z})"
    if at < WRITTEN:
        yield bad("clock", f"{shown}: that is past", "set date and time; the computer's battery may be flat")
    elif at.tzname() == "UTC":
        yield note("clock", shown, "set the time zone of the place, unless UTC is meant: sessions carry it")
    else:
        yield ok("clock", shown)


# --- power ----------------------------------------------------------------------------------------------------------


def power(system: str | None = None, ask: Callable[[Sequence[str]], str] | None = None) -> Iterator[Finding]:
    """Look at Windows' power plan: a computer that goes to sleep ends the experiment."""
    if (system or platform.system()) != "Windows":
        words = "power plan and sleep can be looked at on Windows only"
        yield note("power", words, "see to it yourself that this computer does not go to sleep during a run")
        return
    ask = ask or _powercfg
    scheme = ask(("/getactivescheme",)).strip()
    sleeps = _minutes_to_sleep(ask(("/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE")))
    if sleeps:
        yield bad(
            "power", f"the computer goes to sleep after {sleeps:g} min", "run 'powercfg /change standby-timeout-ac 0'"
        )
    if not any(plan in scheme.lower() for plan in BEST_PLANS):
        yield note("power", f"power plan: {scheme}", "choose 'High performance' in Windows' power options")
    elif not sleeps:
        yield ok("power", f"{scheme}; no sleep")


def _minutes_to_sleep(told: str) -> float:
    """Return the minutes on mains power; the line's words are translated by Windows, its numbers are not.

    Of the hexadecimal numbers in the answer the last two are the settings on mains and on battery (powercfg /query).
    """
    numbers = re.findall(r"0x([0-9a-fA-F]{8})", told)
    return int(numbers[-2], 16) / 60 if len(numbers) >= 2 else 0.0


def _powercfg(arguments: Sequence[str]) -> str:
    done = subprocess.run(["powercfg", *arguments], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout
