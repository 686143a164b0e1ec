"""The fields of Brandwatch's queries and what stands for them here; names in lower case.

Follows the operator list of Brandwatch's help page "Query Operators" (Consumer Research).
"""

from __future__ import annotations

SAME = (
    "title",
    "url",
    "links",
    "text",
    "author",
    "site",
    "subreddit",
    "rating",
    "lang",
    "followers",
    "source",
    "kind",
)
RENAMED = {
    "language": "lang",
    "authorfollowers": "followers",
    "topleveldomain": "site",
    "rootpostid": "thread",
    "weblogtitle": "author",
    "blogname": "author",
    "guid": "url",
}
_PLACE, _IMAGE = "posts have no place here", "images are not looked into here"
WITHOUT_EQUIVALENT = {
    **dict.fromkeys(("continent", "country", "region", "city", "latitude", "longitude"), _PLACE),
    **dict.fromkeys(("imagetype", "objects", "brandids", "publishersubtype"), _IMAGE),
    **dict.fromkeys(("authorgender", "authorverified", "authorverifiedtype"), "nothing is known here of who writes"),
    **dict.fromkeys(("parentblogname", "rootblogname", "parentpostid"), "only the thread is known, `thread:`"),
    **dict.fromkeys(("engagingwith", "engagingwithguid"), "only the thread is known, `thread:`"),
    **dict.fromkeys(("redditauthorflair", "redditpostflair", "redditspoiler", "tags"), "sources do not state it"),
    **dict.fromkeys(("subredditnsfw", "subreddittopics", "sensitivecontent"), "sources do not state it"),
    **dict.fromkeys(("channelid", "pubtype", "publication"), "write `source:` with the name of a source"),
    "minuteofday": "queries know no time",
    "sentiment": "it is judged after matching: route by it",
}
NOTES = {
    "author": "`author:` compares the whole name: write `author:name*` for its beginning",
    "blogname": "`blogName:` became `author:`",
    "weblogtitle": "`weblogTitle:` became `author:`",
    "guid": "`guid:` became `url:`: the number is looked for in the address",
    "rootpostid": "`rootPostId:` became `thread:`, which holds what the source calls the thread",
    "itemreview": "`itemReview:` became `kind:review` with the words in title or text",
}
