"""The pages: records in, HTML out; the same bytes for the same records."""
