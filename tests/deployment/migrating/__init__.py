"""migrate among others: what it makes them wait, and what is left of it whatever dies."""
