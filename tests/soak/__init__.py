"""`make soak`: hours in minutes. The real daemon among hostile feeds, reloads, outages and a takeover."""
