"""Where everything is in the session file, and what its columns are called and mean.

The writer and the reader share these names and nothing else. A change here raises `FORMAT`.

    /general/data_collection                 JSON: format, seed, software versions, SHA-256 of protocol and rig texts
    /general/source_script                   protocol text
    /general/intracellular_ephys/...         electrode and the five icephys tables
    /acquisition/sweep_00012_primary         what the amplifier's primary output said
    /acquisition/sweep_00012_secondary       the other signal, as a plain TimeSeries
    /acquisition/bath_temperature            degC
    /acquisition/session_log                 one sentence per event
    /stimulus/presentation/run_003_command_00012   command; the name is of the first sweep of the run that has it
    /intervals/sweeps                        one row per sweep, also of those without samples
    /intervals/pulses                        one row per pulse
    /intervals/ttl                           one row per TTL pulse; absent if there was none
    /intervals/epochs                        which solution was in the bath, dead times included
    /intervals/invalid_times                 samples that were lost
    /processing/icephys/measures             one row per number
    /scratch/sweep_headers                   JSON per sweep: command, channels, amplifier, to the last bit
    /scratch/log_entries                     JSON per event
    /scratch/rig                             rig text
    /scratch/closed                          why the session ended; absent while it goes on and after a crash
    /scratch/seal                            JSON: verdict of the check at the end; absent before
    /scratch/guardian                        JSON: what the guardian did when the run could not; absent if nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from protocols.sweeps import STORED_STEP, Unit

FORMAT = 1
"""Version of this layout."""

ACQUISITION = "acquisition"
PRESENTATION = "stimulus/presentation"
ICEPHYS = "general/intracellular_ephys"
ELECTRODE = f"{ICEPHYS}/electrode"
AMPLIFIER = "general/devices/amplifier"
TEMPERATURE = f"{ACQUISITION}/bath_temperature"
LOG = f"{ACQUISITION}/session_log"
LOG_ENTRIES = "scratch/log_entries"
SWEEP_HEADERS = "scratch/sweep_headers"
RIG = "scratch/rig"
CLOSED = "scratch/closed"
SEAL = "scratch/seal"
GUARDIAN = "scratch/guardian"
PROTOCOL = "general/source_script"
COLLECTION = "general/data_collection"

CHUNK = 16_384
"""Samples per HDF5 chunk: a 50 ms window is read in 0.2 ms, and larger chunks compress hardly better."""
SLICE = 16 * CHUNK
"""Samples per channel kept in memory before they are written, about 13 s at 20 kHz."""

TEXT = h5py.string_dtype("utf-8")
REFERENCE = h5py.ref_dtype
SERIES_REFERENCE = np.dtype([("idx_start", "<i4"), ("count", "<i4"), ("timeseries", h5py.ref_dtype)])

UNIT_NAME: dict[Unit, str] = {"V": "volts", "A": "amperes"}
"""NWB's words."""
FLAG_SEPARATOR = "; "


def conversion(unit: Unit) -> float:
    """Return what turns stored numbers (mV, pA) into SI. A power of ten: neo cannot open a file with another."""
    return STORED_STEP[unit]


def response_path(index: int, channel: str) -> str:
    """Return where the samples of one channel of sweep `index` are."""
    return f"{ACQUISITION}/sweep_{index:05d}_{channel}"


def command_path(run: int, index: int) -> str:
    """Return where the command is that sweep `index` was the first of its run to play."""
    return f"{PRESENTATION}/run_{run:03d}_command_{index:05d}"


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    dtype: Any
    description: str
    missing: object = None
    """Stands for 'not known'; a column that holds nothing else is not created. None: the column is always there."""
    is_ragged: bool = False
    """Whether each row holds a list."""
    target: str | None = None
    """Path of the table whose rows this column lists."""
    kind: tuple[str, str] = ("hdmf-common", "VectorData")
    """Namespace and neurodata type."""


def text(name: str, description: str, *, optional: bool = False) -> Column:
    """Return a column of text."""
    return Column(name, TEXT, description, missing="" if optional else None)


def number(name: str, description: str, *, optional: bool = False) -> Column:
    """Return a column of floats."""
    return Column(name, np.dtype("<f8"), description, missing=float("nan") if optional else None)


def whole(name: str, description: str) -> Column:
    """Return a column of integers."""
    return Column(name, np.dtype("<i8"), description)


def series(name: str, description: str) -> Column:
    """Return a column that points at parts of time series."""
    return Column(name, SERIES_REFERENCE, description, kind=("core", "TimeSeriesReferenceVectorData"))


def rows_of(table: str, name: str, description: str) -> Column:
    """Return a column that lists rows of another table."""
    return Column(
        name, np.dtype("<i4"), description, is_ragged=True, target=table, kind=("hdmf-common", "DynamicTableRegion")
    )


@dataclass(frozen=True)
class TableLayout:
    """A table: where it is, its NWB type and its columns."""

    path: str
    neurodata_type: str
    description: str
    columns: tuple[Column, ...]
    namespace: str = "core"
    categories: tuple[str, ...] = ()
    """Names of the tables inside this one that have the same rows."""


START = number("start_time", "Start, in seconds from the session's start")
STOP = number("stop_time", "Stop, in seconds from the session's start")
SWEEP = whole("sweep", "Index of the sweep")

SWEEPS = TableLayout(
    "intervals/sweeps",
    "TimeIntervals",
    "Every sweep that was begun. A sweep without samples has the length of one sample here.",
    (
        START,
        STOP,
        SWEEP,
        text("label", "Name of the protocol step that asked for the sweep"),
        text("kind", "Verb of that step"),
        whole("run", "Which execution of which step: sweeps of one run belong together"),
        text("condition", "What the cell experienced"),
        text("clamp_mode", "What the amplifier controlled"),
        number("rate", "Samples per second"),
        whole("n_samples", "Samples per channel, those lost in gaps included"),
        Column("complete", np.dtype("?"), "False: the sweep ended early; the samples that are present are genuine"),
        text("reason", "Why it ended early", optional=True),
        number("holding", "Command outside pulses: volts in voltage clamp, amperes in current clamp"),
        number("step", "Amplitude of the first step above the holding level, same unit", optional=True),
        number("temperature", "Bath at the start, degrees Celsius", optional=True),
        text("sha256", "SHA-256 of the converter counts: little-endian int16, samples by channels"),
    ),
)
PULSES = TableLayout(
    "intervals/pulses",
    "TimeIntervals",
    "Every pulse of the command that was played.",
    (
        START,
        STOP,
        SWEEP,
        text("role", "step: evokes the response; test_pulse: measures resistances"),
        number("level", "Command during the pulse: volts in voltage clamp, amperes in current clamp"),
        number("amplitude", "The same, counted from the holding level"),
        text("unit", "V or A"),
    ),
)
TTL = TableLayout(
    "intervals/ttl",
    "TimeIntervals",
    "Every pulse that was played on a digital line of the card, on the sample clock of the recording. A line was low "
    "at all other times.",
    (
        START,
        STOP,
        SWEEP,
        text("line", "Name of the line in the rig file, such as stimulator or camera"),
        whole("first_sample", "Sample of the sweep at which the line went high"),
        whole("end_sample", "Sample of the sweep at which it went low again"),
    ),
)
EPOCHS = TableLayout(
    "intervals/epochs",
    "TimeIntervals",
    "Which solution was applied when. A solution reaches the bath after the dead time of the tubing.",
    (
        START,
        STOP,
        text("label", "The solution"),
        text("phase", "dead time: on its way, the bath still holds the one before; in bath: it has arrived"),
        text("line", "Perfusion line", optional=True),
        # neo cannot open a file whose epochs have no tags.
        Column("tags", TEXT, "Phase and solution", is_ragged=True),
    ),
)
INVALID_TIMES = TableLayout(
    "intervals/invalid_times",
    "TimeIntervals",
    "Samples that were lost. They are NaN in the series.",
    (START, STOP, SWEEP, text("cause", "What happened")),
)
MEASURES = TableLayout(
    "processing/icephys/measures",
    "DynamicTable",
    "Numbers made of the sweeps during the recording; each can be made again from the stored samples.",
    (
        text("measure", "Symbol of the measure"),
        number("value", "SI (temperatures in degrees Celsius); NaN when it could not be measured, see flags"),
        text("unit", "SI unit"),
        SWEEP,
        number("time", "Middle of the window, in seconds from the session's start"),
        number("window_start", "Seconds from the sweep's first sample", optional=True),
        number("window_stop", "Seconds from the sweep's first sample", optional=True),
        text("flags", "Reservations, separated by semicolons; empty is good", optional=True),
        text("analyser", "Name, version and parameters of the code"),
    ),
    namespace="hdmf-common",
)

RECORDINGS = TableLayout(
    f"{ICEPHYS}/intracellular_recordings",
    "IntracellularRecordingsTable",
    "A table to group together a stimulus and response from a single electrode and a single simultaneous recording "
    "and for storing metadata about the intracellular recording.",
    (text("condition", "What the cell experienced"), text("label", "Name of the protocol step")),
    categories=("electrodes", "stimuli", "responses"),
)
ELECTRODES = TableLayout(
    f"{RECORDINGS.path}/electrodes",
    "IntracellularElectrodesTable",
    "Table for storing intracellular electrode related metadata.",
    (
        Column("electrode", REFERENCE, "Column for storing the reference to the intracellular electrode."),
        number("series_resistance", "Ohms, measured in this sweep", optional=True),
        number("input_resistance", "Ohms, measured in this sweep", optional=True),
        number("membrane_capacitance", "Farads, measured in this sweep", optional=True),
        number("resting_potential", "Volts: baseline of this sweep", optional=True),
        number("bridge_balance", "Ohms, as the amplifier said", optional=True),
        number("bath_temperature", "Degrees Celsius", optional=True),
    ),
)
STIMULI = TableLayout(
    f"{RECORDINGS.path}/stimuli",
    "IntracellularStimuliTable",
    "Table for storing intracellular stimulus related metadata.",
    (
        series("stimulus", "Column storing the reference to the recorded stimulus for the recording (rows)."),
        number("holding", "Command outside pulses: volts in voltage clamp, amperes in current clamp"),
        number("amplitude", "Amplitude of the first step above the holding level, same unit", optional=True),
        whole("n_pulses", "Number of pulses in the command"),
    ),
)
RESPONSES = TableLayout(
    f"{RECORDINGS.path}/responses",
    "IntracellularResponsesTable",
    "Table for storing intracellular response related metadata.",
    (
        series("response", "Column storing the reference to the recorded response for the recording (rows)"),
        SWEEP,
        Column("complete", np.dtype("?"), "False: the sweep ended early"),
        text("sha256", "SHA-256 of the converter counts: little-endian int16, samples by channels"),
        whole("n_dropped", "Samples lost within the sweep; NaN in the series"),
    ),
)
SIMULTANEOUS = TableLayout(
    f"{ICEPHYS}/simultaneous_recordings",
    "SimultaneousRecordingsTable",
    "A table for grouping different intracellular recordings from the IntracellularRecordingsTable table together "
    "that were recorded simultaneously from different electrodes.",
    (
        rows_of(RECORDINGS.path, "recordings", "A reference to one or more rows in the IntracellularRecordingsTable."),
        SWEEP,
        number("start_time", "Seconds from the session's start"),
        text("condition", "What the cell experienced"),
    ),
)
SEQUENTIAL = TableLayout(
    f"{ICEPHYS}/sequential_recordings",
    "SequentialRecordingsTable",
    "A table for grouping different sequential recordings from the SimultaneousRecordingsTable table together.",
    (
        rows_of(SIMULTANEOUS.path, "simultaneous_recordings", "Rows of the SimultaneousRecordingsTable."),
        text("stimulus_type", "The type of stimulus used for the sequential recording."),
        whole("run", "Which execution of which step"),
        text("condition", "What the cell experienced"),
        text("protocol_sha256", "SHA-256 of the protocol text"),
    ),
)
REPETITIONS = TableLayout(
    f"{ICEPHYS}/repetitions",
    "RepetitionsTable",
    "A table for grouping different sequential intracellular recordings together.",
    (
        rows_of(SEQUENTIAL.path, "sequential_recordings", "Rows of the SequentialRecordingsTable."),
        text("condition", "What the cell experienced"),
    ),
)
CONDITIONS = TableLayout(
    f"{ICEPHYS}/experimental_conditions",
    "ExperimentalConditionsTable",
    "A table for grouping different intracellular recording repetitions together that belong to the same "
    "experimental condition.",
    (
        rows_of(REPETITIONS.path, "repetitions", "Rows of the RepetitionsTable."),
        text("condition", "What the cell experienced; when solutions came and went is in /intervals/epochs"),
        text("drug", "Compound in the solution", optional=True),
        text("concentration", "Of the compound", optional=True),
    ),
)

ELECTRODE_COLUMN = {
    "Rs": "series_resistance",
    "Rin": "input_resistance",
    "Rm": "input_resistance",
    "Cm": "membrane_capacitance",
    "V_b": "resting_potential",
}
"""Which measures are repeated in the electrodes table, where programs look that know only NWB."""
