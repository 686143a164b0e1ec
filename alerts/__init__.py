"""How people hear of a mention: one file per receiver, the contract in `alerts.base`."""
