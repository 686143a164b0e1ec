"""The demonstration: a little web of our own on loopback, everything else as in production."""
