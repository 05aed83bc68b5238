"""A synthetic district set: plausible rows, about 35 a student, and nobody's.

Pure generation: given a plan (students, seed, today, time zone) the modules here make the same rows each time, as lines
of COPY's text format; `loading` alone speaks to a database. One noun a module, as in `health_records.models`.
"""
