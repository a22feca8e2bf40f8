"""Jinja2 pages and the stylesheet of the reports."""
