"""Lists of facilities and practitioners as offices send them, into the register."""
