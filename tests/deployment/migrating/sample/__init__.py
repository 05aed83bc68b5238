"""An app whose migrations change tables in use: one for each way in which that is done."""
