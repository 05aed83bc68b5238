"""Changing a database in use, so that nobody notices, and with a way back from each change.

The tree is the table of contents: `executor` carries migrations out, `governing` bounds each statement, `watch` keeps
other runs out and sees to it that nobody waits for us, `holders` names those for whom we wait. `record` writes a run
down (`models`, `enums`), `log` prints it. `planning` tells the locks of a plan beforehand, `losing` what a reverse
loses, `rolling_back` which migrations lie on the way back, `reference` what the schema should be at any point.
`preflight` and `smoke` look before and after (`checking`), `procedure` is the order of an upgrade and of a rollback;
`procedure_command`, `failures`, `durations`, `asking` and `version` are what they say.

Beside that: `locks` tells what a statement locks, `law` judges migrations before they are released, `backups` make and
prove backups, `doctor` finds what is wrong with a database and what mends it.
"""
