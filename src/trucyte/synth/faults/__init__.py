"""Plant known faults in good visits and files, and say truly what was planted."""
