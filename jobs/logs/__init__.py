"""What is logged: on standard error, in files, line by line."""
