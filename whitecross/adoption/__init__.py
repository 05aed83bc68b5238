"""Adoption: the records of a database that the predecessor left, brought over without losing one.

The tree is the table of contents: `predecessor` knows what its databases hold, `inspecting` looks at one, `ours`
knows which names we need, `conversions`, `setting_rows` and `mapping` say what becomes of each column, `fitting` finds
the rows that break a rule here, `planning` puts that together. `roads` are the two ways from there to here; `moving`
takes the predecessor's tables out of the way and back, `loading` moves the rows, `building` takes indexes and keys down
for it and puts them up, `proving` compares both sides, `undoing` goes back or ends it, `rejects` keeps what was set
aside. `adopting` is the order of all that; `progress` and `reporting` tell people.
"""
