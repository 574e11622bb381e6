"""The simulated NI board: one model with two faces, NI's gRPC device server and the library `libnidaqmx`."""
