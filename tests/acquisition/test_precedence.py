"""A recording goes before other programs: every thread of it, nothing that it starts, and not for longer."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from acquisition import precedence, run
from acquisition.precedence import UNWANTED, advice, going_first, ways_here
from acquisition.precedence.elsewhere import HIGH_PRIORITY_CLASS, HighClass
from acquisition.precedence.way import Way
from acquisition.session.recovery import open_recovered
from drivers.clock import DemandClock
from tests.kit import HEAD, RIG

linux = pytest.mark.skipif(sys.platform != "linux", reason="classes of threads are Linux's")
SHORT = "steps:\n  - hold: {voltage: -70 mV, for: 200 ms}\n"


class Allowed(Way):
    """A way that the system allows."""

    words, is_strict = "first class", True

    def __init__(self):
        self.taken, self.is_back = threading.Semaphore(0), False

    def take(self):
        self.taken.release()

    def give_back(self):
        self.is_back = True


class Refused(Allowed):
    """A way that it does not."""

    words = "not for you"

    def take(self):
        raise PermissionError


# --- any system -------------------------------------------------------------------------------------------------------


def test_the_first_way_that_is_allowed_is_taken_and_given_back_when_the_run_fails():
    ways = [Refused(), Allowed(), Allowed()]

    def fail():
        with going_first(ways) as way:
            assert way is ways[1]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [way.is_back for way in ways] == [False, True, False]


def test_refused_everywhere_the_run_goes_on_as_it_was():
    with going_first([Refused()]) as way:
        assert way is None


def test_threads_that_begin_later_are_looked_for(monkeypatch):
    monkeypatch.setattr(precedence, "EVERY", 0.001)
    way = Allowed()
    with going_first([way]):
        assert all(way.taken.acquire(timeout=10) for _ in range(4))


def test_a_person_can_do_without(monkeypatch):
    monkeypatch.setenv(UNWANTED, "1")
    assert ways_here() == ()
    assert UNWANTED in advice(None)


# --- Linux ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["RealTime", "NiceThreads"])
def way(request):
    """Return a way of Linux's that this user is allowed."""
    from acquisition.precedence import linux as ways

    made = getattr(ways, request.param)()
    try:
        with going_first([made]) as given:
            pass
    except OSError:
        given = None
    if given is None:
        pytest.skip("this user may not; see docs/first_cell.md")
    return getattr(ways, request.param)()


@contextmanager
def thread():
    """Give the number of a thread that lives as long."""
    over = threading.Event()
    made = threading.Thread(target=over.wait)
    made.start()
    try:
        yield made.native_id
    finally:
        over.set()
        made.join()


def rank(number=0):
    """Return class and nice value of a thread."""
    return os.sched_getscheduler(number) & ~os.SCHED_RESET_ON_FORK, os.getpriority(os.PRIO_PROCESS, number)


def rank_of_a_child():
    said = "import os; print((os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.getpriority(os.PRIO_PROCESS, 0)))"
    return subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.strip()


@linux
def test_all_threads_go_first_and_no_child_does(way):
    before = rank()
    with thread() as old, going_first([way]):
        assert rank(old) == rank() != before
        with thread() as new:
            way.take()
            assert rank(new) == rank()
        assert rank_of_a_child() == str(before)
    assert rank() == before


@linux
def test_afterwards_every_thread_is_as_before(way):
    with thread() as old:
        before = rank(old)
        with going_first([way]):
            assert rank(old) != before
        assert rank(old) == rank() == before


@linux
def test_a_class_that_the_person_chose_is_kept(way):
    with thread() as chosen:
        os.sched_setscheduler(chosen, os.SCHED_BATCH, os.sched_param(0))
        with going_first([way]):
            assert rank(chosen)[0] == os.SCHED_BATCH
        assert rank(chosen)[0] == os.SCHED_BATCH


@linux
@pytest.mark.parametrize(
    ("processors", "net", "why"),
    [({0, 1}, "950000", ""), ({0}, "950000", "one processor"), ({0, 1}, "-1", "is -1"), ({0, 1}, None, "")],
)
def test_no_real_time_where_it_could_lock_up_the_computer(tmp_path, monkeypatch, processors, net, why):
    from acquisition.precedence.linux import danger

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors)
    file = tmp_path / "sched_rt_runtime_us"
    if net is not None:
        file.write_text(net)
    assert why in danger(file)
    assert bool(danger(file)) == bool(why)


@linux
@pytest.mark.parametrize("why", ["", "there is one processor"])
def test_what_to_do_fits_what_is_in_the_way(monkeypatch, why):
    from acquisition.precedence import linux as ways

    monkeypatch.delenv(UNWANTED, raising=False)
    monkeypatch.setattr(ways, "danger", lambda: why)
    assert ("rtprio" in advice(None)) == (not why)
    assert [type(w).__name__ for w in ways_here()] == (["NiceThreads"] if why else ["RealTime", "NiceThreads"])


@linux
@pytest.mark.parametrize("before", ["nice 0", "nice 5"])
def test_a_terminals_group_goes_first_and_back(tmp_path, before):
    from acquisition.precedence.linux import Autogroup

    file = tmp_path / "autogroup"
    file.write_text(f"/autogroup-25 {before}\n")
    group = Autogroup(file)
    group.prefer()
    assert file.read_text() == "-10"
    group.give_back()
    assert file.read_text() == before.removeprefix("nice ")


@linux
def test_a_kernel_without_groups_is_none_the_worse(tmp_path):
    from acquisition.precedence.linux import Autogroup

    group = Autogroup(tmp_path / "missing" / "autogroup")
    group.prefer()
    group.give_back()


# --- Windows ----------------------------------------------------------------------------------------------------------


class Kernel32:
    """Priority classes as Windows keeps them."""

    def __init__(self, *, allows=True):
        self.now, self._allows = 0x20, allows  # NORMAL_PRIORITY_CLASS

    def GetCurrentProcess(self):  # noqa: N802
        return -1

    def GetPriorityClass(self, process):  # noqa: N802
        return self.now

    def SetPriorityClass(self, process, wanted):  # noqa: N802
        if self._allows:
            self.now = wanted
        return self._allows


def test_windows_high_class_is_taken_and_the_old_one_comes_back():
    kernel = Kernel32()
    with going_first([HighClass(kernel)]) as way:
        assert kernel.now == HIGH_PRIORITY_CLASS
        assert way.is_strict
    assert kernel.now == 0x20


def test_windows_may_refuse():
    with going_first([HighClass(Kernel32(allows=False))]) as way:
        assert way is None


# --- a run ------------------------------------------------------------------------------------------------------------


class Instant(DemandClock):
    """The wall's clock for who asks, without its waits."""

    is_wall_time = True


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Return a function that runs a short protocol at a speed, and returns what the log says of precedence."""
    monkeypatch.setattr(run, "WallClock", lambda speed: Instant() if speed == 1.0 else DemandClock())
    (tmp_path / "protocol.yaml").write_text(HEAD + SHORT, encoding="utf-8")

    def record(speed, *ways):
        monkeypatch.setattr(run, "going_first", lambda: going_first(ways))
        wish = run.Wish(tmp_path / "protocol.yaml", RIG, tmp_path / "data", simulate=True, speed=speed)
        finished, path = run.run(wish)
        assert finished.reason == "finished"
        with open_recovered(path) as session:
            return [(e.text, e.data["way"]) for e in session.log if e.kind == "precedence"]

    return record


def test_a_run_in_real_time_goes_first_and_its_log_says_how(record):
    way = Allowed()
    assert record(1.0, way) == [("the recording goes before other programs (first class)", "first class")]
    assert way.is_back


def test_a_run_that_is_refused_says_so(record):
    assert record(1.0, Refused()) == [("the recording waits for its turn among other programs", "")]


@pytest.mark.parametrize("speed", [None, 50.0])
def test_a_run_that_hurries_leaves_the_computer_to_others(record, speed):
    way = Allowed()
    assert record(speed, way) == []
    assert not way.taken.acquire(blocking=False)
