"""What parent and child processes say to each other, and the child's side of it.

A frame is four bytes of length, big-endian, and that much JSON. The child greets with the frame `null`, then answers
one frame per frame until its input ends. Each question has a limit of CPU time, the process has one of memory; what
goes wrong in an answer ends the process, and the parent starts another.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

CPU_SECONDS = 5
MEMORY_BYTES = 1 << 30  # address space; a broken feed of 10 MiB needs about a third of it


def frame(content: object) -> bytes:
    data = json.dumps(content).encode()
    return len(data).to_bytes(4, "big") + data


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return what the next frame holds; None at the end of the stream."""
    head = stream.read(4)
    return stream.read(int.from_bytes(head, "big")) if len(head) == 4 else None


def serve(answer: Callable[[Mapping[str, Any]], object]) -> None:
    """Answer questions until standard input ends. What `answer` needs should be imported by now."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr  # nothing that a library prints may come between the frames
    answers.write(frame(None))
    answers.flush()
    while (question := read_frame(sys.stdin.buffer)) is not None:
        _allow_cpu()
        answers.write(frame(answer(json.loads(question))))
        answers.flush()


def _allow_cpu() -> None:
    """Let the process live for CPU_SECONDS more; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1, hard))
