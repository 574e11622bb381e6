"""The error codes of NI-DAQmx that the board answers with, and their texts.

Codes and names are those of `nidaqmx.error_codes.DAQmxErrors`; texts follow the driver's where they are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BAD_VALUE = -200077
INVALID_CHANNEL = -200087
INVALID_TASK = -200088
DUPLICATE_TASK = -200089
NO_SUCH_CHANNEL = -200170
NO_SUCH_DEVICE = -200220
BUFFER_TOO_SMALL_FOR_STRING = -200228
READ_BUFFER_TOO_SMALL = -200229
ARRAY_TOO_SMALL = -200234
NEVER_AVAILABLE = -200278
NO_LONGER_AVAILABLE = -200279
NOT_YET_AVAILABLE = -200284
RAN_DRY = -200290
NOT_YET_WRITTEN = -200292
NOT_SUPPORTED = -200452
NO_INPUTS = -200460
NO_OUTPUTS = -200459
OUTPUT_BUFFER_EMPTY = -200462
NOT_STARTED = -200472
NOT_RUNNING = -200473
NO_CHANNELS = -200478
TASK_RUNNING = -200479
CHANNEL_TWICE = -200489
NOT_ONE_CHANNEL = -200523
WRONG_CHANNEL_COUNT = -200524
MIXED_CHANNELS = -200559
NOT_DONE = -200560
VALUE_OUT_OF_RANGE = -200561
LINES_RESERVED = -200587
REGISTERED_WHILE_RUNNING = -200960
EVENT_REGISTERED_TWICE = -200966
UNREGISTERED_WHILE_RUNNING = -200986
RESOURCE_RESERVED = -50103
STOPPED_MEANWHILE = -88709

TEXTS = {
    BAD_VALUE: "Requested value is not a supported value for this property.",
    INVALID_CHANNEL: "Channel specified is invalid or does not exist in the task.",
    INVALID_TASK: "Task specified is invalid or does not exist.",
    DUPLICATE_TASK: "Task name specified conflicts with an existing task name.",
    NO_SUCH_CHANNEL: "Physical channel specified does not exist on this device.",
    NO_SUCH_DEVICE: "Device identifier is invalid.",
    BUFFER_TOO_SMALL_FOR_STRING: "Buffer is too small to fit the string.",
    READ_BUFFER_TOO_SMALL: "Buffer is too small to fit read data.",
    ARRAY_TOO_SMALL: "Buffer is too small to fit the array.",
    NEVER_AVAILABLE: "Attempted to read samples that will never be available: the task acquires a finite number.",
    NO_LONGER_AVAILABLE: "The application is not able to keep up with the hardware acquisition. Increasing the buffer "
    "size, or reading the data more frequently, might correct the problem.",
    NOT_YET_AVAILABLE: "Some or all of the samples requested have not yet been acquired.",
    RAN_DRY: "The generation has stopped to prevent the regeneration of old samples. Your application was unable to "
    "write samples to the background buffer fast enough to prevent old samples from being regenerated.",
    NOT_YET_WRITTEN: "Some or all of the samples to write could not be written to the buffer yet.",
    NOT_SUPPORTED: "Specified property is not supported by the device or is not applicable to the task.",
    NO_INPUTS: "Read failed, because there are no channels in this task from which data can be read.",
    NO_OUTPUTS: "Write failed, because there are no channels in this task to which data can be written.",
    OUTPUT_BUFFER_EMPTY: "Generation cannot be started, because the selected buffer is empty.",
    NOT_STARTED: "Write cannot be performed when the task is not running or committed and auto-start is false.",
    NOT_RUNNING: "Read cannot be performed when the task is not running or committed and auto-start is false.",
    NO_CHANNELS: "Specified operation cannot be performed when there are no channels in the task.",
    TASK_RUNNING: "Specified operation cannot be performed while the task is running.",
    CHANNEL_TWICE: "Specified channel cannot be added to the task, because it is already in the task.",
    NOT_ONE_CHANNEL: "A single value can be read only from a task with one channel.",
    WRONG_CHANNEL_COUNT: "Write cannot be performed, because the number of channels in the data does not match the "
    "number of channels in the task.",
    MIXED_CHANNELS: "Specified channel cannot be added: channels of different types cannot be in one task.",
    NOT_DONE: "Wait Until Done did not indicate that the task was done within the specified timeout.",
    VALUE_OUT_OF_RANGE: "Attempted writing analog data that is too large or too small.",
    LINES_RESERVED: "Digital lines specified are reserved by another task.",
    REGISTERED_WHILE_RUNNING: "DAQmx software event cannot be registered while the task is running.",
    EVENT_REGISTERED_TWICE: "The event is already registered for this task.",
    UNREGISTERED_WHILE_RUNNING: "DAQmx software event cannot be unregistered while the task is running.",
    RESOURCE_RESERVED: "The specified resource is reserved. The operation could not be completed as specified.",
    STOPPED_MEANWHILE: "The specified operation cannot be performed because the task was stopped.",
}


class DaqmxError(Exception):
    """What the driver answers instead of doing what was asked. Goes over the wire, never to a person."""

    def __init__(
        self,
        code: int,
        detail: str = "",
        *,
        read: int | None = None,
        written: int | None = None,
        counts: NDArray[np.int16] | None = None,
    ) -> None:
        """Keep the code; `read` and `written` are samples per channel, `counts` what was read before it failed."""
        self.code, self.read, self.written, self.counts = code, read, written, counts
        text = TEXTS.get(code, f"Error {code}.")
        self.text = f"{text}\n\n{detail}" if detail else text
        super().__init__(f"{code}: {self.text}")
