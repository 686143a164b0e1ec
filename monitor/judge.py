"""What the rules say of posts: matched, seen from each target, classified, routed. Blocking; has its own thread."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.mentions import Draft
from monitor.router import Router
from rules.base import (
    UNCLASSIFIED,
    Classifier,
    Match,
    Matcher,
    Mention,
    Personal,
    Sentiment,
    Verdict,
    View,
    Watchlist,
)
from rules.personal import find as find_personal
from sources.base import Post

log = logging.getLogger("mentiond.judge")

BATCH = 256  # views in one run of the classifier


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules of one configuration."""

    watchlists: Mapping[str, Watchlist]
    matcher: Matcher
    classifier: Classifier
    router: Router
    _others_of: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def judge(self, posts: Sequence[Post]) -> list[tuple[Draft, ...]]:
        """For each post its mentions with their verdicts and routes; () where nothing matches."""
        hits = [(post, match) for post in posts if not self.is_own(post) for match in self.matcher.match(post)]
        drafts: dict[str, list[Draft]] = {}
        personal: dict[str, tuple[Personal, ...]] = {}
        for (post, match), verdict in zip(hits, self._classify(hits), strict=True):
            if post.external_id not in personal:
                personal[post.external_id] = find_personal(post.title, post.text, post.lang or verdict.lang)
            found = personal[post.external_id]
            mention = Mention(post, self.watchlists[match.watchlist], match, verdict, personal=found)
            drafts.setdefault(post.external_id, []).append(self.route(mention))
        return [tuple(drafts.get(post.external_id, ())) for post in posts]

    def sift(self, posts: Sequence[Post]) -> list[Post]:
        """The posts that some watchlist hits, and what the brand itself wrote."""
        return [post for post in posts if self.is_own(post) or self.matcher.match(post)]

    def route(self, mention: Mention) -> Draft:
        """Where a mention goes, and how its case begins."""
        return self.router.route(mention)

    def reclassify(self, mentions: Sequence[Mention]) -> list[Draft]:
        """Mentions of known watchlists, classified and routed anew. Raises what the classifier raises."""
        verdicts = self.classifier.classify([self._view(mention.post, mention.match) for mention in mentions])
        return [
            self.route(replace(mention, watchlist=self.watchlists[mention.watchlist.name], verdict=verdict))
            for mention, verdict in zip(mentions, verdicts, strict=True)
        ]

    def is_own(self, post: Post) -> bool:
        """Whether one of the brand's own accounts wrote it."""
        return self.router.is_own(post)

    def source_type(self, source: str) -> str:
        """Of a source by its name; "" of one that is not configured."""
        return self.router.source_types.get(source, "")

    def _classify(self, hits: Sequence[tuple[Post, Match]]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for start in range(0, len(hits), BATCH):
            batch = hits[start : start + BATCH]
            try:
                made = self.classifier.classify([self._view(post, match) for post, match in batch])
                verdicts += [verdict for verdict, _ in zip(made, batch, strict=True)]
            except Exception:  # whatever the model throws, the mentions go out, marked
                log.exception("classifier failed, mentions go out unclassified count=%d", len(batch))
                verdicts += [unclassified(post) for post, _ in batch]
        return verdicts

    def _view(self, post: Post, match: Match) -> View:
        names = self.watchlists[match.watchlist].names
        return View(post.title, post.text, post.lang, names, self._others(names) if names else ())

    def _others(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if names not in self._others_of:
            self._others_of[names] = other_names(self.watchlists.values(), names)
        return self._others_of[names]


def other_names(watchlists: Iterable[Watchlist], names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of every other target, as seen from the target of these names."""
    every = {name for watchlist in watchlists for name in watchlist.names}
    return tuple(sorted(every.difference(names)))


def unclassified(post: Post) -> Verdict:
    """The verdict where there is none."""
    return Verdict({}, (UNCLASSIFIED,), Sentiment.NEUTRAL, post.lang or "und")
