"""The predecessor's password hashes."""

from typing import Any

import bcrypt
from django.contrib.auth.hashers import BasePasswordHasher, mask_hash
from django.utils.crypto import constant_time_compare


class _Nothing(str):
    """The empty name, which Django's look for a missing name lets pass."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


class BareBcryptPasswordHasher(BasePasswordHasher):
    """Bare bcrypt, `$2b$10$...`, as the predecessor stored it: verified as it is, and never written anew.

    Django names the hasher by what stands before the first `$`, which is nothing here. As it is not the preferred
    hasher, a right password is hashed again with the preferred one at the next sign-in.
    """

    algorithm = _Nothing()

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password fits. bcrypt reads 72 bytes and no more, and so did the predecessor."""
        try:
            computed = bcrypt.hashpw(password.encode()[:72], encoded.encode())
        except ValueError:
            return False
        return constant_time_compare(computed.decode(), encoded)

    def decode(self, encoded: str) -> dict[str, Any]:
        """The parts of a hash. Raises ValueError where it is not bcrypt's."""
        _, variant, rounds, data = encoded.split("$", 3)
        return {"variant": variant, "work_factor": int(rounds), "salt": data[:22], "checksum": data[22:]}

    def encode(self, password: str, salt: str) -> str:
        """A hash with this bcrypt salt (`$2b$10$` and 22 characters)."""
        return bcrypt.hashpw(password.encode()[:72], salt.encode()).decode()

    def salt(self) -> str:
        """A new bcrypt salt."""
        return bcrypt.gensalt(10).decode()

    def safe_summary(self, encoded: str) -> Any:
        """What the admin may show of a hash."""
        parts = self.decode(encoded)
        return {
            "algorithm": "bcrypt",
            "work factor": parts["work_factor"],
            "salt": mask_hash(parts["salt"]),
            "checksum": mask_hash(parts["checksum"]),
        }

    def must_update(self, encoded: str) -> bool:
        """Always: the hash waits for its owner's next sign-in."""
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out."""
