"""Telling people, by a webhook or by apprise, what has become of a cycle."""
