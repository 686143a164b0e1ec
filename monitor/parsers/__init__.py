"""The arguments of the commands, one file a group. Nothing here imports what a command does."""
