"""Jobs: durable rows in a table, work on an executor."""
