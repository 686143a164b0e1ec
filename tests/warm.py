"""What the process that forks for each start does beforehand, once: the grammar of queries, which every start reads."""

from __future__ import annotations

import gc

from rules.query_syntax import parse

parse("word")
gc.freeze()  # a collection in a child would copy every page
