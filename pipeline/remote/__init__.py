"""Images at a URL: listing, reading and keeping copies of objects, by fsspec."""
