"""Whether a database is as the models and migrations say.

`expected` is what they say, `actual` what the catalog says; `compare` finds where the two differ, with what
`partitions` expects of tables that were divided by month; `history` does the same for the record of migrations, and
`verify` puts them together for `manage.py verify_schema`.
"""
