"""Arguments of `run`, `check` and `schema`, `query` and `routes`."""

from __future__ import annotations

from pathlib import Path

from monitor.parsers.parts import Commands, add_command, add_config, add_json, count


def add_run(commands: Commands) -> None:
    run = add_command(commands, "run", "run.run", "listen, classify, alert", "mentiond run -c config.yaml")
    add_config(run)
    run.add_argument(
        "--once", action="store_true", help="poll everything once, deliver once, exit (0, 3 owed, 4 source)"
    )
    run.add_argument("--demo", action="store_true", help="bring a little web and a configuration of its own")
    run.add_argument("-v", "--verbose", action="store_true", help="log more")
    run.add_argument("--log-format", choices=["text", "json"], help="text on a terminal, json elsewhere")


def add_check(commands: Commands) -> None:
    check = add_command(
        commands, "check", "check.run", "validate a configuration, offline", "mentiond check -c config.yaml"
    )
    add_config(check)
    check.add_argument("--connect", action="store_true", help="also ask each source and receiver, posting nothing")
    add_json(check)
    add_command(
        commands, "schema", "check.schema", "print a JSON Schema for editors", "mentiond schema > mentiond.json"
    )


def add_rules(commands: Commands) -> None:
    query = add_command(
        commands,
        "query",
        "query.run",
        "explain a query and print what matches",
        "mentiond query 'acme NOT jobs' posts.jsonl",
    )
    query.add_argument("query", metavar="QUERY", nargs="?")
    query.add_argument("file", metavar="FILE.jsonl", nargs="?", help="posts, one a line, - for standard input")
    query.add_argument("--since", metavar="DURATION", help="instead of FILE: how far back in the store (7d)")
    query.add_argument("--feed", metavar="URL", help="instead of FILE: what stands in this feed now")
    query.add_argument("--compare", metavar="OLD", help="what QUERY gains and loses beside this query")
    query.add_argument("--suggest", metavar="WATCHLIST", help="words to add and to exclude, from what people acted on")
    query.add_argument("--from", choices=["brandwatch"], dest="dialect", help="translate QUERY (and OLD) first")
    query.add_argument("--limit", type=count, metavar="N", help="matches shown (20 on a terminal, else all)")
    query.add_argument("-c", "--config", type=Path, metavar="FILE", help="the YAML file (for the store config.yaml)")
    add_json(query)
    routes = commands.add_parser("routes", help="ask the routing tree").add_subparsers(metavar="COMMAND", required=True)
    test = add_command(
        routes,
        "test",
        "routes.test",
        "which receivers would hear of it, and why",
        "mentiond routes test label=crisis watchlist=acme",
    )
    test.add_argument(
        "facts", nargs="+", metavar="NAME=VALUE", help="label (several: a,b), score, watchlist, source, ..."
    )
    test.add_argument("--at", metavar="TIME", help="when it comes, such as 2026-11-02T09:00 (now)")
    add_config(test)
    add_json(test)
    show = add_command(
        routes, "show", "routes.show", "the routing tree with what is inherited", "mentiond routes show -c config.yaml"
    )
    add_config(show)
    add_json(show)
