"""Where posts come from: one file per source, the contract in `sources.base`."""
