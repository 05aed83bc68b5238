"""What the questions to PostgreSQL's catalog share. Pieces of SQL."""

from whitecross.adoption.moving import LEGACY

# Tables (c) in schemas (n) that are somebody's: neither the server's, nor an extension's, nor what was adopted from.
PEOPLES = f"""
    n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{LEGACY}') AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
"""
# With its schema, so that it is the same table whoever types it; quoted where it has to be.
TABLE = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
