"""The web app: a real server process over a real home."""
