"""One local server per type of source, for the contract: a module named after the type, with `make(web, folder)`."""
