"""The composition root: reads the configuration, chooses implementations, starts and stops all."""
