"""Real servers beside ours: what they say is what sources must understand. `make test-peers` runs them."""
