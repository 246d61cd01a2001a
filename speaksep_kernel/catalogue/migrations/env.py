"""Run by Alembic: works on the connection that :func:`speaksep_kernel.jobs.database.migrate` hands over."""

from alembic import context

from speaksep_kernel.catalogue.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table=SCHEMA.version_table,
)
context.run_migrations()
