"""Other programs open the session file while it grows: how often does that fail?

    python -m benchmarks.live_readers [seconds] [--hammer]

Records sweeps of 0.35 s (2 channels, 20 kHz) at life speed, with the packer in a process of its own, while h5py and
pynwb open the file and read the newest samples: once a second and every three seconds, or without a pause
(--hammer). Prints the opens and failures of each, and how far the file fell behind. Bar: no failure.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import start
from acquisition.session.reader import open_session
from protocols.sweeps import ClampMode, Frame
from tests.session.synthetic import burst, make_counts, make_head, make_header

BLOCK = 400


def with_h5py(path: Path) -> None:
    import h5py

    with h5py.File(path, "r") as file:
        rows = file.get("general/intracellular_ephys/intracellular_recordings/responses/response")
        for reference in rows[-4:] if rows is not None else ():
            file[reference["timeseries"]]["data"][:]


def with_pynwb(path: Path) -> None:
    import pynwb

    with pynwb.NWBHDF5IO(str(path), "r") as io:
        table = io.read().intracellular_recordings
        if table is not None:
            table["responses"]["response"][len(table) - 1].data[:]


READERS = {"h5py": (with_h5py, 1.0), "pynwb": (with_pynwb, 3.0)}


def read(name: str, path: Path, until: float, *, hammer: bool) -> None:
    warnings.simplefilter("ignore")
    opens, failures, (reader, pause) = 0, [], READERS[name]
    while time.time() < until:
        try:
            reader(path)
            opens += 1
        except Exception as error:  # noqa: BLE001  counted and shown
            failures.append(f"{type(error).__name__}: {error}")
        time.sleep(0.0 if hammer else pause)
    print(
        f"{name:<6} {opens:5d} opens, {len(failures)} failures   bar: 0 failures",
        *sorted(set(failures))[:3],
        sep="\n  ",
    )


def record(recorder: JournalRecorder, until: float) -> int:
    index, due = 0, time.perf_counter()
    while time.time() < until:
        header = make_header(index, burst(seconds=0.1), ClampMode.CURRENT)
        counts = make_counts(header)
        recorder.begin_sweep(header)
        for first in range(0, counts.shape[1], BLOCK):
            due += BLOCK / header.sweep.rate
            time.sleep(max(0.0, due - time.perf_counter()))
            recorder.samples(Frame(first, counts[:, first : first + BLOCK]))
        recorder.end_sweep()
        index += 1
    return index


def main() -> None:
    if sys.argv[1:2] == ["--reader"]:
        read(sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]), hammer=sys.argv[5] == "True")
        return
    seconds, hammer = next((float(a) for a in sys.argv[1:] if a[0].isdigit()), 20.0), "--hammer" in sys.argv
    with tempfile.TemporaryDirectory() as folder, JournalRecorder(Path(folder) / "a.nwb", make_head()) as recorder:
        nwb, until = recorder.path, time.time() + seconds
        packer = start(journal_path(nwb), nwb)
        while not nwb.exists():
            time.sleep(0.05)
        command = [sys.executable, "-m", "benchmarks.live_readers", "--reader"]
        readers = [subprocess.Popen([*command, name, nwb, str(until), str(hammer)]) for name in READERS]
        played = record(recorder, until)
        with open_session(nwb) as session:
            print(f"{played} sweeps recorded, {len(session.sweeps)} of them in the file at that moment")
        recorder.close()
        for process in (*readers, packer):
            process.wait()
        with open_session(nwb) as session:
            print(f"{len(session.sweeps)} in the file at the end, packer's exit code {packer.returncode}")


if __name__ == "__main__":
    main()
