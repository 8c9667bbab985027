"""The index: tables, queries, migrations and the journal. Home of SQLAlchemy and Alembic."""
