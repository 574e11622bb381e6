"""NI-DAQmx cards, through NI's own Python package: the only modules that import nidaqmx."""
