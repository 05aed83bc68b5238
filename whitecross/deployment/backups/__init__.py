"""Backups that prove themselves: made of one snapshot, read again, restored beside, compared, then swapped in.

archive is the file, manifest, contents and objects what it says of itself, sealing its encryption; folder holds such
files and retention decides which stay. making, verifying, restoring (with pg_restore, and comparing what came),
rehearsing and swapping are the deeds; applying is of what stands in no dump, extensions of what a role may not create.
"""

from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.making import Backup, free_space_needed, make_backup

__all__ = ["Backup", "BackupError", "free_space_needed", "make_backup"]
