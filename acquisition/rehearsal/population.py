"""Many virtual cells: here, in parallel processes, or on a Dask cluster; a person may end it and keep what there is."""

from __future__ import annotations

import logging
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TYPE_CHECKING, Any

from acquisition.rehearsal.virtual_cell import failed, live
from acquisition.study.gathering import cluster
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from acquisition.rehearsal.virtual_cell import Order, VirtualCell

    Told = Callable[[int, int], None]
    """Takes how many of how many cells are done."""

AHEAD = 2
"""Orders per process that are on their way, so that no process waits and few are lost when the person ends it."""
GLANCE = 0.2
"""Seconds between looks whether the person wants an end."""
PATIENCE = 5.0
"""Seconds without a worker after which a person should know of it."""
log = logging.getLogger(__name__)


def live_all(
    orders: Sequence[Order],
    *,
    workers: int | None = None,
    dask: str | None = None,
    told: Told | None = None,
    stop: threading.Event | None = None,
) -> list[VirtualCell]:
    """Run every order and return the cells in the order of seeds.

    Parameters
    ----------
    orders
        One per cell.
    workers
        Processes; as many as the machine has cores if left out, and 1 runs in this process.
    dask
        Address of a Dask scheduler that maps the same function.
    told
        Called after each cell.
    stop
        Once it is set no cell is begun; those under way are finished, and what there is is returned.

    Raises
    ------
    Refused
        Dask is not installed, its scheduler not to be reached or lost on the way, or a process here died.
    """
    tell, end = told or (lambda _done, _of: None), stop or threading.Event()
    n = min(workers or os.cpu_count() or 1, len(orders))
    if dask is not None:
        found = _on_cluster(orders, dask, tell, end)
    elif n <= 1:
        found = _here(orders, tell, end)
    else:
        found = _in_processes(orders, n, tell, end)
    return sorted(found, key=lambda c: c.seed)


@contextmanager
def ended_by_person() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C sets. A second Ctrl-C is the usual one. Only the main thread can listen to it."""
    wanted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wanted
        return
    before = signal.getsignal(signal.SIGINT)

    def end(*_: Any) -> None:
        wanted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, end)
    try:
        yield wanted
    finally:
        signal.signal(signal.SIGINT, before)


def _here(orders: Sequence[Order], tell: Told, stop: threading.Event) -> list[VirtualCell]:
    found: list[VirtualCell] = []
    for order in orders:
        if stop.is_set():
            break
        found.append(live(order))
        tell(len(found), len(orders))
    return found


def _in_processes(orders: Sequence[Order], workers: int, tell: Told, stop: threading.Event) -> list[VirtualCell]:
    """Run in `workers` processes, started afresh and deaf to Ctrl-C, which reaches them as well as this one."""
    context, found = get_context("spawn"), list["VirtualCell"]()
    deaf = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=signal.signal, initargs=deaf) as pool:
        try:
            for future in _window(pool, orders, workers * AHEAD, stop):
                found.append(future.result())
                tell(len(found), len(orders))
        except BrokenProcessPool as error:
            words = "a process that runs virtual cells died; is there enough memory? One runs alone with --workers 1"
            raise Refused(words) from error
        except KeyboardInterrupt:  # asked twice: what is under way is left
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
    return found


def _window(
    pool: ProcessPoolExecutor, orders: Sequence[Order], width: int, stop: threading.Event
) -> Iterator[Future[VirtualCell]]:
    """Yield futures as they are done, with at most `width` of them on their way."""
    waiting, running = iter(orders), set[Any]()
    while True:
        while not stop.is_set() and len(running) < width and (order := next(waiting, None)) is not None:
            running.add(pool.submit(live, order))
        if stop.is_set():
            running = {f for f in running if not f.cancel()}
        if not running:
            return
        done, running = wait(running, GLANCE, FIRST_COMPLETED)
        yield from done


def _on_cluster(orders: Sequence[Order], address: str, tell: Told, stop: threading.Event) -> list[VirtualCell]:
    """Run on a Dask cluster. A cell whose worker dies is run again by another one, as Dask does it."""
    found: list[VirtualCell] = []
    with cluster(address) as (client, distributed):
        running = {client.submit(live, order, pure=False): order for order in orders}
        completed = distributed.as_completed(list(running), loop=client.loop)
        workers = _Workers(client, address)
        try:
            while running and not stop.wait(0 if completed.has_ready() else GLANCE):
                for future in completed.next_batch(block=False):
                    found.append(_result(distributed, future, running.pop(future)))
                    tell(len(found), len(orders))
                workers.look()
        except distributed.CancelledError as error:
            words = f"the Dask scheduler at {address} was lost after {len(found)} of {len(orders)} virtual cells"
            raise Refused(words) from error
        client.cancel(list(running))
    return found


def _result(distributed: Any, future: Any, order: Order) -> VirtualCell:
    """Return the cell; one that took several workers with it has failed."""
    try:
        made: VirtualCell = future.result()
    except distributed.KilledWorker:
        return failed(order, "every worker of the Dask cluster that ran it died; have they enough memory?")
    return made


class _Workers:
    """Whether a cluster has workers; a scheduler without any takes orders and never runs them."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address, self._glances = client, address, 0

    def look(self) -> None:
        """Say so once, after a while without any: some clusters start their workers when there is work."""
        self._glances = 0 if self._client.scheduler_info()["workers"] else self._glances + 1
        if self._glances * GLANCE == PATIENCE:
            log.warning("the Dask scheduler at %s has no workers; 'dask worker %s' starts one", *2 * (self._address,))
