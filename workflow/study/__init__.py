"""The study as a whole: its configuration, what its files depend on, its tables and its lock."""
