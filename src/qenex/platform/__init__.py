"""What this machine can do: processor, memory, file system."""

from qenex.platform.machine import Machine, MachineUnreadable, file_system, this_machine

__all__ = ["Machine", "MachineUnreadable", "file_system", "this_machine"]
