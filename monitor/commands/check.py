"""`mentiond check` and `mentiond schema`: what a configuration says, before anything starts."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from monitor.commands import OK, TROUBLE
from monitor.config import Config, json_schema, load
from monitor.config_errors import ConfigErrors
from monitor.linting import lint_watchlists, remark_mails
from monitor.route_tests import run_route_tests
from monitor.safety import remark_safety
from monitor.searching import explain_searches
from rules.lint import Level


def run(options: argparse.Namespace) -> int:
    """Validate, lint the queries, run the tests; with --connect also ask who is configured. Raises ConfigErrors."""
    config = load(options.config, os.environ)
    given = (config, options.config, os.environ)
    looks = (lint_watchlists, explain_searches, remark_mails, run_route_tests, remark_safety)
    remarks = [remark for look in looks for remark in look(*given)]
    if options.json:
        for remark in remarks:
            print(json.dumps(remark.as_json(), ensure_ascii=False))
    errors = [remark.error for remark in remarks if remark.level is Level.ERROR]
    if errors:
        raise ConfigErrors(errors)
    counts = f"{len(config.sources)} sources, {len(config.watchlists)} watchlists, {len(config.receivers)} receivers"
    if not options.json:
        print(f"{options.config}: ok ({counts})")
        for remark in remarks:
            if remark.level is not Level.HINT:
                print(remark)
    return asyncio.run(_connect(config, as_json=options.json)) if options.connect else OK


def schema(options: argparse.Namespace) -> int:
    """Print the JSON Schema of the configuration."""
    print(json.dumps(json_schema(), indent=2))
    return OK


@dataclass(frozen=True, slots=True)
class Probe:
    """How one source or receiver answered."""

    kind: str
    name: str
    is_well: bool
    detail: str


async def _connect(config: Config, *, as_json: bool) -> int:
    code = OK
    async for probe in _probes(config):
        if as_json:
            line = {"kind": probe.kind, "name": probe.name, "ok": probe.is_well, "detail": probe.detail}
            print(json.dumps(line, ensure_ascii=False))
        else:
            print(f"{'ok    ' if probe.is_well else 'FAILED'} {probe.kind:8} {probe.name}: {probe.detail}")
        sys.stdout.flush()
        code = code if probe.is_well else TROUBLE
    return code


async def _probes(config: Config) -> AsyncIterator[Probe]:
    from alerts.base import ReceiverError
    from monitor.assembly import build_parts, build_receivers, open_tools
    from monitor.inbox import EmptyInbox
    from sources.base import SourceError

    async with open_tools(config) as given:
        for part in build_parts(config, given, EmptyInbox()).values():
            try:
                yield Probe("source", part.label, True, await part.source.probe())
            except SourceError as error:
                yield Probe("source", part.label, False, str(error))
        for name, receiver in build_receivers(config, given).items():
            try:
                yield Probe("receiver", name, True, await receiver.probe())
            except ReceiverError as error:
                yield Probe("receiver", name, False, str(error))
