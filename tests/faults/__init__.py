"""What is injected into real processes, and what must be left: whole records, one champion, no leftovers."""
