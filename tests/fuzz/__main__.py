"""`make fuzz`: the query language under atheris (libFuzzer), begun with the queries and posts of the tests.

Exit codes: 0 nothing found, 1 something found (printed, and kept in the folder named), 2 atheris is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sources.base import Post
from tests.fuzz import SEPARATOR
from tests.rules.power_queries import SERVICE
from tests.rules.power_queries_market import MARKET
from tests.rules.test_german_cases import CASES, post_of

SIGNS = (
    *(
        "AND",
        "OR",
        "NOT",
        "NEAR/",
        "NEAR/5f",
        "(",
        ")",
        '"',
        '"~3',
        "*",
        "?",
        "{",
        "}",
        "`",
        "/",
        "<<<",
        ">>>",
        "-",
        "~",
    ),
    *("title:", "text:", "author:", "site:", "url:", "links:", "source:", "lang:", "kind:", "thread:", "subreddit:"),
    *("rating:[", "followers:[", "engagement:[", " TO ", "]", "#", "@", "$", "[.]", " dot ", "://", "\\", "[", "|"),
    *(
        "ß",
        "ẞ",
        "ü",
        "u\u0308",
        "İ",
        "ı",
        "東京",
        "🔥",
        "\u200b",
        "\u00ad",
        "\u202e",
        "\ufe0f",
        "\u0301",
        "_",
        "&",
        "\x1f",
    ),
)


def seeds() -> Iterator[tuple[str, Post | str]]:
    """Queries with a post of theirs."""
    for case in CASES:
        yield case.query, post_of(case)
    for power in (*SERVICE, *MARKET):
        for asked in (*power.found, *power.left_out):
            yield power.query, asked


def plant(folder: Path) -> None:
    for number, (query, asked) in enumerate(seeds()):
        title, text = ("", asked) if isinstance(asked, str) else (asked.title, asked.text)
        (folder / f"{number}").write_text(SEPARATOR.join((query, title, text)), encoding="utf-8")


def dictionary() -> str:
    """The signs of the language as libFuzzer reads them."""
    escaped = ("".join(f"\\x{byte:02x}" for byte in sign.encode()) for sign in SIGNS)
    return "".join(f'"{sign}"\n' for sign in escaped)


def fuzz(folder: Path, seconds: int, seed: int) -> int:
    """Run the fuzzer to its end; returns its exit code and leaves `findings` and `log` in the folder."""
    corpus, words = folder / "corpus", folder / "signs.dict"
    corpus.mkdir()
    plant(corpus)
    words.write_text(dictionary(), encoding="ascii")
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-dict={words}", f"-artifact_prefix={folder}/"]
    options += ["-max_len=4096", "-timeout=120", "-print_final_stats=1", "-reload=0", str(corpus)]
    command = [sys.executable, "-m", "tests.fuzz.target", str(folder / "findings"), *options]
    with (folder / "log").open("w", encoding="utf-8") as log:
        running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace")
        assert running.stderr
        for line in running.stderr:
            log.write(line)
            if re.match(r"#\d+\s+(INITED|pulse|DONE)", line):
                print(line, end="", file=sys.stderr, flush=True)
        return running.wait()


def report(folder: Path, code: int) -> bool:
    """Print what was found; whether that is nothing."""
    log = (folder / "log").read_text(encoding="utf-8")
    executed = re.search(r"number_of_executed_units:\s*(\d+)", log)
    findings = folder / "findings"
    found = (
        [json.loads(line) for line in findings.read_text(encoding="utf-8").splitlines()] if findings.exists() else []
    )
    for one in found:
        print(f"{one['kind']}: {one['message']}\n  {one['input']}")
    if code:
        print(f"the fuzzer ended with {code}:\n{log[-2000:]}")
    print(f"{executed[1] if executed else 'unknown'} executions, {len(found)} kinds of failure, kept in {folder}")
    return not found and not code


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: pip install atheris (it has no wheels for some platforms)", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="mentiond-fuzz-"))
    return 0 if report(folder, fuzz(folder, options.seconds, options.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
