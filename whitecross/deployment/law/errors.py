"""What keeps a check from saying anything."""


class LawError(Exception):
    """The migrations cannot be judged. The message is a sentence for people."""


def said(error: BaseException) -> str:
    """An error in a line, without a full stop: its kind, as many messages say little without it, and its first line."""
    message = next(iter(str(error).strip().splitlines()), "").strip().rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
