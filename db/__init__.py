"""Tables, session, migrations and every query."""
