"""What this machine can do: processor, memory, file system, time."""
