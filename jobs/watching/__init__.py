"""What the daemon is made of: its child, its schedule, its state, what it says."""
