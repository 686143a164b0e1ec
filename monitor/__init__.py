"""The daemon: configuration, store, pipeline, delivery, scheduling and the command line."""
