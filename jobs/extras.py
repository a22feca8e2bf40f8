"""Optional packages: which extra of Whisker brings them, and what is said where one is missing."""

from importlib.util import find_spec

PACKAGES = {
    "notify": ("apprise",),
    "postgres": ("psycopg",),
    "serve": ("fastapi", "python_multipart", "uvicorn"),
    "tune": ("optuna",),
    "urls": ("fsspec", "aiohttp"),
    "s3": ("fsspec", "s3fs"),
}


def missing(extra: str) -> str | None:
    """Return the end of a sentence about what an extra lacks; None if all of it is installed."""
    lacking = next((package for package in PACKAGES[extra] if find_spec(package) is None), None)
    return lacking and f"needs the package {lacking}; run `pip install 'whisker[{extra}]'`"
