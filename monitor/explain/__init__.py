"""Why somebody did or did not hear of a post, from what is stored and from the configuration as it is now."""
