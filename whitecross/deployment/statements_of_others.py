"""What other sessions run, without what it says of anybody: health records stand in statements as literals."""

import re

HIDDEN = "?"
CUT = "..."

# PostgreSQL's tokens, in the order in which its scanner prefers them. A statement that was cut off at
# track_activity_query_size may end within any of them, so every ending may be missing.
_TOKEN = re.compile(
    r"""
      (?P<blank> \s+ | --[^\n\r]* )
    | (?P<comment> /\* )
    | (?P<escaped> [eE]'(?: [^'\\] | '' | \\. )*(?:'|\\?\Z) )
    | (?P<text> (?: [bBnNxX] | [uU]& )?'(?: [^'] | '' )*(?:'|\Z) )
    | (?P<dollar> \$(?P<tag>(?:[^\W\d]\w*)?)\$ )
    | (?P<name> (?: [uU]& )?"(?: [^"] | "" )*(?:"|\Z) | [^\W\d][\w$]* | \$\d+ )
    | (?P<number> (?: \d[\w.]* | \.\d\w* )(?: (?<=[eE])[+-]\d+ )? )
    """,
    re.VERBOSE | re.DOTALL,
)
_MANY = re.compile(rf"{re.escape(HIDDEN)}(?:, ?{re.escape(HIDDEN)})+")


def without_values(sql: str) -> str:
    """A statement in one line with each literal as `?` and without its comments; names and parameters ($1) stay.

    What cannot be told from a literal for certain counts as one.
    """
    said: list[str] = []
    place = 0
    while place < len(sql):
        token = _TOKEN.match(sql, place)
        if token is None:
            said.append(sql[place])
            place += 1
            continue
        place = token.end()
        match token.lastgroup:
            case "blank":
                said.append(" ")
            case "comment":
                place = _end_of_comment(sql, place)
                said.append(" ")
            case "tag" | "dollar":
                end = sql.find(token[0], place)
                place = len(sql) if end < 0 else end + len(token[0])
                said.append(HIDDEN)
            case "name":
                said.append(" ".join(token[0].split()))
            case "text" if "\\'" in token[0]:
                # Where standard_conforming_strings is off, or this goes on an E'' of the line before, it ends later.
                said += [HIDDEN, CUT]
                break
            case _:
                said.append(HIDDEN)
    return _MANY.sub(f"{HIDDEN}, {CUT}", " ".join("".join(said).split()))


def _end_of_comment(sql: str, place: int) -> int:
    """Where a comment ends that began before this place; comments nest."""
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(sql, place):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(sql)
