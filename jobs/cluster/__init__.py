"""Training over several hosts by MXNet's parameter server: what starts, watches and ends its processes."""
