"""PostgreSQL, embedded or yours: server control, connections, migrations, named queries, jobs."""
