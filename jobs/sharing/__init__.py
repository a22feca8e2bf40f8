"""Work of a cycle that other processes take part in: chunks in the database, claimed for a time."""
