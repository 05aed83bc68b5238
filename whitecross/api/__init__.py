"""The API of this project: who may come in, and its addresses."""
