"""upgrade, rollback and migration_log: each step failing, each way back, and what is left on record."""
