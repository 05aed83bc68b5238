"""Adoption: the records of a database that the predecessor left, brought over without losing one.

The tree is the table of contents: `predecessor` knows what its databases hold, `inspecting` looks at one, `conversions`
and `mapping` say what becomes of each column, `fitting` finds the rows that break a rule here, `planning` puts that
together, `moving` takes the predecessor's tables out of the way and back, `loading` moves the rows, `proving` compares
both sides, `undoing` goes back or ends it, `rejects` keeps what was set aside. `adopting` is the order of all that.
"""
