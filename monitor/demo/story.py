"""The written story: who posts what, where and when. Brand, product and competitor are invented.

Wendelvolt makes e-bike batteries, Zirbolo is its bike, Ostrivelo a competitor. `tests/monitor/test_demo.py` says who
has to hear of which post.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Place: TypeAlias = Literal["radtreff", "pedalboard", "stadtticker", "hackernews"]

LENGTH: Final = 180.0  # seconds, from the first post to the summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One post appears, or changes where an earlier scene has its `id`. `text` is plain text, paragraphs by \\n\\n."""

    at: int  # seconds since the beginning
    says: str  # what the narrator says of it
    place: Place
    id: str  # of the post, unique within its place
    author: str
    title: str = ""
    text: str


STORY: Final = (
    Scene(
        at=0,
        says="A customer asks for help in German, in the forum of a cycling site. Care hears of it in Slack. Take it "
        "on by typing 1a and Enter, or watch who is called when nobody does.",
        place="radtreff",
        id="2001",
        author="Kurbelkalle",
        title="Akku und alter Rahmen",
        text="Passt der Akku von Wendelvolt auch an einen Rahmen von 2021, oder brauche ich dafür einen Adapter? "
        "Weiß das jemand?",
    ),
    Scene(
        at=8,
        says="Praise, in English. Nobody has to act on it: it waits for the team lead's mail, one a minute.",
        place="pedalboard",
        id="41",
        author="tandem_tess",
        title="Happy customer",
        text="The Wendelvolt support was excellent. Friendly, fast and competent, I am really happy with my bike.",
    ),
    Scene(
        at=16,
        says="Cycling news without any of our names. mentiond reads it and says nothing.",
        place="radtreff",
        id="2002",
        author="Redaktion",
        title="Neuer Radschnellweg eröffnet",
        text="Auf 18 Kilometern geht es künftig ohne Ampel durch drei Gemeinden.",
    ),
    Scene(
        at=22,
        says="A complaint about our product, a watchlist of its own.",
        place="radtreff",
        id="2003",
        author="Bergziege77",
        title="Display tot",
        text="Seit drei Wochen warte ich auf ein neues Display für mein Zirbolo. Auf meine Mails antwortet keiner, "
        "und in der Hotline hängt man ewig.",
    ),
    Scene(
        at=32,
        says="A question in a comment on Hacker News, found over its API.",
        place="hackernews",
        id="990000001",
        author="mapleaf",
        text="Does anyone know if my Wendelvolt charger works on 110 V? I am taking the bike to Canada this summer.",
    ),
    Scene(
        at=42,
        says="Somebody is about to switch to us. One post, seen from both sides: a purchase signal for Wendelvolt, "
        "which the sales system gets as a webhook, and a complaint about the competitor Ostrivelo.",
        place="radtreff",
        id="2004",
        author="pendlerin_ffm",
        title="Wechselgedanken",
        text="Bin kurz davor, von Ostrivelo zu Wendelvolt zu wechseln. Die Werkstatt hat mich jetzt zum dritten Mal "
        "versetzt.",
    ),
    Scene(
        at=54,
        says="A German customer has trouble but names no brand. Nothing to report yet.",
        place="radtreff",
        id="2005",
        author="Speichenbruch",
        title="Rad lädt nicht",
        text="Mein neues Rad lädt seit gestern nicht mehr, das Ladegerät blinkt nur rot.",
    ),
    Scene(
        at=60,
        says="The competitor's customer complains. Good to know, but not ours to answer: console only.",
        place="pedalboard",
        id="42",
        author="gravel_gus",
        title="Two months in",
        text="The motor of my Ostrivelo failed for the third time and the shop refuses to repair it. Terrible "
        "service, what a waste of money.",
    ),
    Scene(
        at=68,
        says="Business news that names us. Neither question nor complaint, so nobody is disturbed.",
        place="radtreff",
        id="2006",
        author="Redaktion",
        title="Wendelvolt eröffnet Entwicklungszentrum in Graz",
        text="",
    ),
    Scene(
        at=76,
        says="A suggestion, for the team lead's mail.",
        place="pedalboard",
        id="43",
        author="wattless",
        title="App wish",
        text="It would be great if the Wendelvolt app could stop charging at 80 %. Please add that as an option.",
    ),
    Scene(
        at=84,
        says="Somebody tries to ping the whole channel and to run a script. It arrives as plain characters.",
        place="hackernews",
        id="990000002",
        author="mallory",
        text="<!channel> <script>alert('pwned')</script> The Wendelvolt app crashes every morning since the update and "
        "support does not answer.",
    ),
    Scene(
        at=94,
        says="The customer from 00:54 adds the name to the old post. An edit is noticed, and alerts once.",
        place="radtreff",
        id="2005",
        author="Speichenbruch",
        title="Rad lädt nicht",
        text="Mein neues Rad lädt seit gestern nicht mehr, das Ladegerät blinkt nur rot.\n\nNachtrag: Es geht um das "
        "Zirbolo. Sehr ärgerlich bei dem Preis.",
    ),
    Scene(
        at=102,
        says="Our own support account answers. Own accounts are no mentions.",
        place="hackernews",
        id="990000003",
        author="wendelvolt_help",
        text="Wendelvolt support here. Sorry about that! Does it help to hold the button for ten seconds?",
    ),
    Scene(
        at=108,
        says="A buyer hesitates: a question for care and a purchase signal for sales, in one post.",
        place="hackernews",
        id="990000004",
        author="commuter_x",
        text="Thinking of buying a Zirbolo for my commute. Is it worth the extra 400 euros, or should I wait for the "
        "next model?",
    ),
    Scene(
        at=120,
        says="Now it gets serious. A battery has burnt: a crisis. Care sees it at once, PR gets one mail about all "
        "that comes in within 12 seconds.",
        place="pedalboard",
        id="44",
        author="shed_owner",
        title="Unplug your battery",
        text="My Wendelvolt battery caught fire while charging last night. The garage is black with smoke and my son "
        "burnt his hand. Unplug yours now!",
    ),
    Scene(
        at=128,
        says="A second person, in German, about the product.",
        place="radtreff",
        id="2007",
        author="dritter_stock",
        title="Akku explodiert",
        text="Heute Morgen ist der Akku vom Zirbolo beim Laden explodiert. Die Feuerwehr musste das Treppenhaus "
        "räumen. Bitte ladet ihn nicht in der Wohnung!",
    ),
    Scene(
        at=136,
        says="A third one, on Hacker News.",
        place="hackernews",
        id="990000005",
        author="flat4b",
        text="Second Wendelvolt battery fire in our building this week, two neighbours are in hospital with smoke "
        "poisoning. This needs a recall.",
    ),
    Scene(
        at=144,
        says="The press has it.",
        place="radtreff",
        id="2008",
        author="Redaktion",
        title="Brände durch Akkus von Wendelvolt: Feuerwehr warnt, zwei Verletzte",
        text="Nach mehreren Bränden rät die Feuerwehr, die Akkus vorerst nicht zu laden.",
    ),
    Scene(
        at=150,
        says="Another site carries the same article. Nobody is told twice: the message in Slack says where else it "
        "stands.",
        place="stadtticker",
        id="n-311",
        author="Agentur",
        title="Brände durch Akkus von Wendelvolt: Feuerwehr warnt, zwei Verletzte",
        text="Nach mehreren Bränden rät die Feuerwehr, die Akkus vorerst nicht zu laden.",
    ),
    Scene(
        at=158,
        says="And the first worried owner asks.",
        place="radtreff",
        id="2009",
        author="Klingelmaus",
        title="Seriennummer",
        text="Ist mein Akku von Wendelvolt auch gefährdet? Weiß jemand, wo die Seriennummer steht?",
    ),
)
