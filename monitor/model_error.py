"""The error of everything that a classifier is made of."""


class ModelError(Exception):
    """The classifier's model, or what it needs, cannot be used; the message names what it is and the mend."""
