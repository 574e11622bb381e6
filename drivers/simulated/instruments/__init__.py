"""Instruments on a serial port or socket that behave like the makers': for tests, and for a rig without its metal.

    python -m drivers.simulated.instruments ne1000

The `*.yaml` files beside this are the same dialogues for pyvisa-sim, without time, alarms and faults.
"""
