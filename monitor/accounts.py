"""The names of authors and accounts, in the form in which they are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def account_names(accounts: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """`own_accounts` of the configuration in the form in which they are compared."""
    return {place: frozenset(map(account_name, names)) for place, names in accounts.items()}


def account_name(name: str) -> str:
    """The form in which accounts are compared: without the leading @, case-folded."""
    return name.strip().lstrip("@").casefold()
