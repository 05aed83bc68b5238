"""Reading from standbys: pages that only read are answered by a streaming replica.

Installed where REPLICA_DATABASE_URL names standbys; without it only the settings are loaded. See docs/scaling.md.

- positions: places in the write-ahead log, and the cookies that carry them; remembering: the session that does too
- primary: where the log of the primary stands, and whether a statement may have written
- standby: one standby as this process knows it: how far it is, whether it answers
- waiting: how long a page waits for one that says nothing
- reading: what one request reads from
- saving: rows that were read from a standby and are saved
- router, middleware, base: the three places where Django meets it
- configured: the settings
"""
