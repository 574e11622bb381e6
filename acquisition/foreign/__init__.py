"""Other people's recordings: read, looked at for plausibility, measured by our analyser, made into sessions."""
