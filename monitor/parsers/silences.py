"""Arguments of `mentiond silence`."""

from __future__ import annotations

from monitor.parsers.parts import Commands, add_command, add_config, add_json, count


def add_silences(commands: Commands) -> None:
    silence = commands.add_parser("silence", help="keep what matches quiet for a while")
    below = silence.add_subparsers(metavar="COMMAND", required=True)
    example = "mentiond silence add 'watchlist = acme' 'label != crisis' --for 2h --comment campaign"
    add = add_command(below, "add", "silence.add", "nothing that matches is alerted from now on", example)
    add.add_argument("matchers", metavar="MATCHER", nargs="+", help="as in a route; all must hold")
    add.add_argument("--for", dest="duration", metavar="DURATION", help="how long (until it is expired)")
    add.add_argument("--by", metavar="NAME", help="who (the user of this shell)")
    add.add_argument("--comment", metavar="TEXT", default="", help="why")
    add_config(add)
    add_json(add)
    listed = add_command(below, "list", "silence.listing", "the silences, newest first", "mentiond silence list")
    listed.add_argument("--all", action="store_true", help="those that are over as well")
    listed.add_argument("--limit", type=count, default=50, metavar="N", help="rows at the most (50)")
    add_config(listed)
    add_json(listed)
    expire = add_command(below, "expire", "silence.expire", "end a silence now", "mentiond silence expire 3")
    expire.add_argument("ids", metavar="ID", nargs="+", type=count, help="as `mentiond silence list` names it")
    add_config(expire)
