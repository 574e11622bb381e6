"""A run is not halted for a tenth of a second by Python's garbage collector."""

import gc

from acquisition.pauses import short_pauses


class Ring:
    """Something that only the collector can take away."""

    def __init__(self):
        self.itself = self


def alive():
    return sum(type(o) is Ring for o in gc.get_objects())  # not isinstance: that asks proxies of what is gone


def test_what_was_there_before_is_not_looked_through_and_what_comes_is():
    gc.collect()
    before = len(gc.get_objects())
    with short_pauses():
        assert len(gc.get_objects()) < before / 10
        Ring()
        gc.collect()
        assert alive() == 0
    assert len(gc.get_objects()) > before / 2


def test_after_a_run_everything_is_collected_as_ever():
    Ring()
    with short_pauses():
        pass
    gc.collect()
    assert alive() == 0
    assert gc.get_freeze_count() == 0
