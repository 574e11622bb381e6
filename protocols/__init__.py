"""What to do: the vocabulary of experiments. Pure data."""
