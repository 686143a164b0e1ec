"""A world of feeds, an API and receivers on a clock of its own, and what must hold of mentiond whatever happens."""
