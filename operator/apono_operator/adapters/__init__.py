"""I/O: each adapter observes and applies, and translates its system's errors; none decides anything."""
