"""The pages of docs/ and the README: their tables, and their code."""
