"""doctor: what is wrong with a database, in sentences, each with the command that mends it. It never writes.

`finding` and `checks` say what a check is, `look` what it asks with; `orphans` to `unfinished` hold the checks, one
module a group; `examining` makes them, `reporting` prints what they found.
"""
