"""The work itself: scan, decode, train, evaluate, compare, report."""
