"""The NI-DAQmx drivers pass the contracts that every driver must pass, through NI's own client."""

from contextlib import ExitStack

import pytest

from drivers.contract import DaqContract, PerfusionContract, ThermometerContract, TtlContract
from protocols.sweeps import ClampMode
from tests.drivers.ni_bench import WAYS, ni_rig, opened, served


@pytest.fixture(params=WAYS)
def way(request):
    """How the drivers reach the board: NI's device server, or NI's library."""
    return request.param


@pytest.fixture
def on_board(way):
    """Return a function that opens the card of a rig file on a fresh board."""
    with ExitStack() as stack:
        yield lambda rig, **how: stack.enter_context(opened(rig, way=way, **how))


class OnBoard(DaqContract):
    """The fixtures of a card in voltage clamp."""

    options: dict = {}  # noqa: RUF012

    @pytest.fixture
    def bench(self, on_board):
        return on_board(ni_rig(**self.options))

    @pytest.fixture
    def daq(self, bench):
        return bench.daq

    @pytest.fixture
    def gains(self, bench):
        return bench.gains

    @pytest.fixture
    def level(self):
        return -70e-3

    @pytest.fixture
    def step(self):
        return -5e-3


class TestStreamedInVoltageClamp(OnBoard):
    pass


class TestStreamedInCurrentClamp(OnBoard):
    @pytest.fixture
    def bench(self, on_board):
        bench = on_board(ni_rig())
        bench.switch(ClampMode.CURRENT)
        return bench

    @pytest.fixture
    def level(self):
        return 100e-12

    @pytest.fixture
    def step(self):
        return -50e-12


class TestFinite(OnBoard):
    options = {"streaming": "finite"}  # noqa: RUF012


class TestValves(PerfusionContract):
    @pytest.fixture
    def perfusion(self, way):
        from drivers.ni.lines import perfusion

        with served(ni_rig(), way=way) as bench, perfusion(bench.context) as valves:
            yield valves


class TestThermometer(ThermometerContract):
    @pytest.fixture
    def thermometer(self, way):
        from drivers.ni.analogue import thermometer

        with served(ni_rig(), way=way) as bench, thermometer(bench.context) as device:
            yield device


TTL_RIG = ("\nperfusion:\n", "\nttl:\n  stimulator: {pin: port0/line4}\n  camera: {pin: port0/line5}\n\nperfusion:\n")


class OnBoardWithTtl(TtlContract):
    """The fixtures of a card with two TTL lines, whose edges the board writes down."""

    options: dict = {}  # noqa: RUF012

    @pytest.fixture
    def bench(self, on_board):
        return on_board(ni_rig(changes=[TTL_RIG], **self.options))

    @pytest.fixture
    def daq(self, bench):
        return bench.daq

    @pytest.fixture
    def gains(self, bench):
        return bench.gains

    @pytest.fixture
    def level(self):
        return -70e-3

    @pytest.fixture(params=["stimulator", "camera"])
    def line(self, request):
        return request.param

    @pytest.fixture
    def edges(self, bench, request):
        line = request.getfixturevalue("line") if "line" in request.fixturenames else "stimulator"
        pin = {"stimulator": "port0/line4", "camera": "port0/line5"}[line]
        return lambda: [(at, rises) for found, at, rises in bench.board.edges if found == pin]


class TestTtlStreamed(OnBoardWithTtl):
    pass


class TestTtlFinite(OnBoardWithTtl):
    options = {"streaming": "finite"}  # noqa: RUF012
