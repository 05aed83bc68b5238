"""A process that times its deeds when it is told to, so that several can be measured in turn. Standard library only.

It answers each line of its input with one: `DEED SECONDS MOST` with how long each call took, in nanoseconds; `see
VALUE` with the moment (monotonic) at which the value was there.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Deed = Callable[[], object]
GLANCE = 0.0002  # seconds between two looks: spinning would keep the interpreter from the thread that reads settings


def answer(deeds: Mapping[str, Deed], look: Deed | None = None) -> None:
    """Serve until the input ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        name, *numbers = line.split()
        if name == "see":
            while str(look() if look else None) != numbers[0]:
                time.sleep(GLANCE)
            print(time.monotonic(), flush=True)
        else:
            print(json.dumps(timed(deeds[name], float(numbers[0]), int(numbers[1]))), flush=True)


def timed(deed: Deed, seconds: float, most: int) -> list[int]:
    """How long each call takes, in ns, for so many seconds or calls, whichever is less."""
    clock = time.perf_counter_ns
    end = clock() + int(seconds * 1e9)
    times: list[int] = []
    for _ in range(most):
        started = clock()
        deed()
        ended = clock()
        times.append(ended - started)
        if ended > end:
            break
    return times


def told() -> dict[str, Any]:
    """The first line of the input: how to reach the database, which is nothing for an argument of a process."""
    found: dict[str, Any] = json.loads(sys.stdin.readline())
    return found
