"""Phrases with slop: all their words close together, in any order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from rules.passage import Finder, Passage, Spans


@dataclass(frozen=True, slots=True, eq=False)
class SlopFinder:
    """The words of a phrase in any order, with at most so many words from the first to the last."""

    words: tuple[Finder, ...]
    width: int

    def find(self, passage: Passage) -> Spans:
        """The occurrences that are part of a choice, one of each word, that fits into the width."""
        places = [passage.find(word) for word in self.words]
        if not all(places):
            return []
        begun, ended = passage.words_begun, passage.words_ended
        standing = [
            (begun(start), ended(end), number, (start, end))
            for number, spans in enumerate(places)
            for start, end in spans
        ]
        windows = self._windows(standing)
        return sorted({place for first, last, _, place in standing if _is_within(windows, last - self.width, first)})

    def _windows(self, standing: Sequence[tuple[int, int, int, tuple[int, int]]]) -> list[int]:
        """The words from which on a window of the width holds one occurrence of each word of the phrase."""
        by_end = sorted(standing, key=lambda place: place[1])
        by_start = sorted(standing, key=lambda place: place[0])
        counts = [0] * len(self.words)
        entered = left = 0
        windows = []
        for begin in sorted({place[0] for place in standing}):
            while entered < len(by_end) and by_end[entered][1] <= begin + self.width:
                counts[by_end[entered][2]] += 1
                entered += 1
            while by_start[left][0] < begin:
                counts[by_start[left][2]] -= 1
                left += 1
            if all(counts):
                windows.append(begin)
        return windows


def _is_within(windows: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(windows, low)
    return at < len(windows) and windows[at] <= high
