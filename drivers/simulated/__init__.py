"""A rig that is not there: neuron, pipette, amplifier, bath and board, on one clock."""
