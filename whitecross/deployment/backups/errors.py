"""What stands in the way of a backup or a restore."""


class BackupError(Exception):
    """One sentence for the person at the keyboard: what, where, what to do next. It holds no value of any row."""
