"""Where settings come from, and checking them; what they are stands in `jobs/config.py`."""
