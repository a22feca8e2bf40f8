"""When and in what order things happen."""
