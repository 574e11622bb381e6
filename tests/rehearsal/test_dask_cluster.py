"""Virtual cells on a Dask cluster: with a worker that dies, without any, and without its scheduler."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import SimpleNamespace

import pytest

from acquisition.rehearsal import population
from acquisition.rehearsal.population import live_all
from acquisition.rehearsal.virtual_cell import Arm, Ending, Order, failed
from acquisition.study import gathering
from protocols.errors import Refused

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster():
    """Return a function that starts a cluster, in this process unless something else is said."""
    started = []

    def start(workers=1, **how):
        how = {"processes": False, "threads_per_worker": 1, "dashboard_address": None, **how}
        started.append(distributed.LocalCluster(n_workers=workers, **how))
        return started[-1]

    yield start
    for one in started:
        one.close()


ORDERS = [Order(seed, Arm.WRITTEN, "", "") for seed in (1, 2, 3)]


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_cell_whose_worker_is_killed_is_run_again_by_another(cluster, tmp_path, monkeypatch):
    killed = tmp_path / "killed"

    def die_once(order):
        if order.seed == 2 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return failed(order, "lived to its end")

    monkeypatch.setattr(population, "live", die_once)
    made = cluster(1, processes=True, silence_logs=logging.CRITICAL)
    found = live_all(ORDERS, dask=made.scheduler_address)
    assert killed.exists()
    assert [(c.seed, c.why) for c in found] == [(seed, ("lived to its end",)) for seed in (1, 2, 3)]


def test_a_cell_that_kills_every_worker_has_failed():
    def raise_it():
        raise distributed.KilledWorker("live", None, 3)

    found = population._result(distributed, SimpleNamespace(result=raise_it), ORDERS[0])
    assert found.ending is Ending.FAILED
    assert found.why == ("every worker of the Dask cluster that ran it died; have they enough memory?",)


def test_a_scheduler_without_workers_is_told_once_and_a_person_can_end_it(cluster, monkeypatch):
    stop, address, said = threading.Event(), cluster(0).scheduler_address, []

    class Impatient(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())
            stop.set()

    monkeypatch.setattr(population, "GLANCE", 0.02)
    monkeypatch.setattr(population, "PATIENCE", 0.04)
    monkeypatch.setattr(population.log, "handlers", [Impatient()])
    assert live_all(ORDERS, dask=address, stop=stop) == []
    assert said == [f"the Dask scheduler at {address} has no workers; 'dask worker {address}' starts one"]


def test_a_scheduler_that_is_lost_ends_it_in_words(cluster, monkeypatch):
    """Dask cancels what was under way when its scheduler does not come back."""
    monkeypatch.setattr(population, "live", failed_at_once)

    def cancelled(*_):
        raise distributed.CancelledError

    monkeypatch.setattr(distributed.Future, "result", cancelled)
    address = cluster(1).scheduler_address
    with pytest.raises(Refused, match=r"the Dask scheduler at .* was lost after 0 of 3 virtual cells"):
        live_all(ORDERS, dask=address)


def failed_at_once(order):
    return failed(order, "")


def test_a_scheduler_that_nobody_started_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(gathering, "CONNECT", 0.2)
    with pytest.raises(Refused, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        live_all(ORDERS, dask="tcp://127.0.0.1:9")
    with pytest.raises(Refused, match="'nonsense' is no address of a Dask scheduler"):
        live_all(ORDERS, dask="nonsense")
