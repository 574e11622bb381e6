"""Instruments on serial ports, USB and network, through VISA: the only modules that import pyvisa."""
