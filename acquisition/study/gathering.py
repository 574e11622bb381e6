"""Many session files into cells: in parallel processes, or on a Dask cluster; the order is that of the paths."""

from __future__ import annotations

import os
import re
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.study.cell import Cell, Unreadable
from acquisition.study.reading import try_cell
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from acquisition.study.cell import Rules

    Told = Callable[[int, int], None]
    """Takes how many of how many files were read."""

CONNECT = 10.0
"""Seconds to wait for a Dask scheduler to answer."""
ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|ws|wss)://)?[^\s:/]+:\d+|inproc://\S+")
"""Of a Dask scheduler, with or without its transport."""
FEW = 8
"""Files that are read here: to start another process takes longer."""


@dataclass(frozen=True)
class Gathered:
    """What was found in the files."""

    cells: tuple[Cell, ...]
    unreadable: tuple[Unreadable, ...] = ()
    doubled: tuple[str, ...] = ()
    """One sentence per file that holds a session which another file holds already."""


def find_sessions(wanted: Iterable[Path]) -> list[Path]:
    """Return the session files that `wanted` names: files as they are, folders with every *.nwb inside, each once.

    Raises
    ------
    Refused
        There is none, or something named does not exist.
    """
    found: dict[Path, Path] = {}
    for path in wanted:
        if not path.exists():
            raise Refused(f"{path}: there is no such file or folder")
        for file in sorted(path.rglob("*.nwb")) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    if not found:
        raise Refused("no session file (*.nwb) was found there; name session files, or folders that hold some")
    return list(found.values())


def gather_cells(
    paths: Sequence[Path],
    rules: Rules,
    *,
    workers: int | None = None,
    dask: str | None = None,
    told: Told | None = None,
) -> Gathered:
    """Read every session and return the cells in the order of `paths`, whoever finished first.

    Parameters
    ----------
    paths, rules
        Files, and what is asked of each.
    workers
        Processes; as many as the machine has cores if left out, and 1 reads in this process.
    dask
        Address of a Dask scheduler that maps the same function over the paths; they must be valid on its workers.
    told
        Called after each file with how many of how many are done.

    Raises
    ------
    Refused
        Dask is not installed or not to be reached, or the reading processes died.
    """
    tell = told or (lambda _done, _of: None)
    absolute = [str(p.resolve()) for p in paths]
    n = min(workers or os.cpu_count() or 1, len(paths))
    if dask is not None:
        read = _on_cluster(absolute, rules, dask, tell)
    elif n == 1 or (workers is None and len(paths) <= FEW):
        read = _here(absolute, rules, tell)
    else:
        read = _in_processes(absolute, rules, n, tell)
    return _sorted_out(read)


def _here(paths: Sequence[str], rules: Rules, tell: Told) -> list[Cell | Unreadable]:
    out = []
    for path in paths:
        out.append(try_cell(path, rules))
        tell(len(out), len(paths))
    return out


def _in_processes(paths: Sequence[str], rules: Rules, workers: int, tell: Told) -> list[Cell | Unreadable]:
    """Read in `workers` processes, started afresh: a forked one would share HDF5's state with this one."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(try_cell, path, rules) for path in paths]
        try:
            for done, _ in enumerate(as_completed(futures), start=1):
                tell(done, len(paths))
            return [f.result() for f in futures]
        except BrokenProcessPool as error:
            raise Refused(
                "a process that reads sessions died; is there enough memory? One reads alone with --workers 1"
            ) from error


def _on_cluster(paths: Sequence[str], rules: Rules, address: str, tell: Told) -> list[Cell | Unreadable]:
    with cluster(address) as (client, distributed):
        futures = client.map(try_cell, paths, rules=rules, pure=False)
        for done, _ in enumerate(distributed.as_completed(futures, loop=client.loop), start=1):
            tell(done, len(paths))
        return list(client.gather(futures))


@contextmanager
def cluster(address: str) -> Iterator[tuple[Any, Any]]:
    """Give a client of the Dask scheduler at `address`, and Dask's module `distributed`.

    Raises
    ------
    Refused
        Dask is not installed, this is no address, or nobody answers there.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise Refused("--dask needs Dask, which is not installed: pip install 'patchrig[dask]'") from error
    if not ADDRESS.fullmatch(address):
        raise Refused(f"'{address}' is no address of a Dask scheduler; it looks like tcp://10.0.0.5:8786")
    try:
        client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:  # distributed raises both, by what is wrong with the address
        raise Refused(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield client, distributed


def _sorted_out(read: Iterable[Cell | Unreadable]) -> Gathered:
    """Part cells from files without; of a session that was read twice the first copy stays."""
    cells: dict[str, Cell] = {}
    unreadable, doubled = [], []
    for found in read:
        if isinstance(found, Unreadable):
            unreadable.append(found)
        elif found.identifier in cells:
            first = Path(cells[found.identifier].path)
            doubled.append(f"{Path(found.path).name} is the same session as {first.name} and counts once")
        else:
            cells[found.identifier] = found
    return Gathered(tuple(cells.values()), tuple(unreadable), tuple(doubled))


def counted(gathered: Gathered) -> Iterator[str]:
    """Yield what to tell a person about the files."""
    yield f"{len(gathered.cells)} sessions read"
    yield from (f"not read: {u.reason}" for u in gathered.unreadable)
    yield from gathered.doubled
