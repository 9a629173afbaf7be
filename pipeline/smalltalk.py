"""What callers say that asks for no fact: greetings, thanks, goodbye, "pardon?", "are you a robot?"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

from pipeline.words import plain


class Talk(Enum):
    """Kinds of small talk."""

    NOTHING = "nothing"
    GREETING = "greeting"
    HOW_ARE_YOU = "how are you"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    DONE = "done"
    REPEAT = "repeat"
    SLOWER = "slower"
    WHO = "who"
    ROBOT = "robot"
    PERSON = "person"
    ABILITY = "ability"
    THERE = "there"
    PREAMBLE = "preamble"
    WAIT = "wait"
    FORGET = "forget"
    MISSED = "missed"
    NO = "no"
    YES = "yes"


_FILLER = re.compile(
    r"(?:um+|uh+|er+m?|hm+|ah+|oh|well|so|okay|ok|right|alright|all right|great|lovely|perfect|good(?! ?bye)|fine|brilliant|yeah|yes|no|and|but|please"
    r"|sorry|thank you|thanks|cheers|then|now|actually|super|wonderful|excellent|i see|got it|sure|very much|so much|a lot"
    r"|for (?:that|your help|the (?:help|information|info)))\b[ ,.!-]*"
)
_MOST_FILLERS = 12
_RULES: tuple[tuple[Talk, str], ...] = (
    (
        Talk.SLOWER,
        r"(?:.*\b(?:say|repeat|speak|talk|go|again|that)\b.*\b(?:slower|slowly|more slowly|slow down)\b.*|slower(?: please)?|.*\bslow down\b.*|.*\btoo fast\b.*)",
    ),
    (
        Talk.REPEAT,
        (
            r"(?:pardon(?: me)?|(?:i'm )?sorry,? what(?: was that)?|sorry|what|what was that|what did you (?:just )?say|excuse me|come again|say (?:that|it) again|again|one more time"
            r"|(?:(?:can|could|would) you )?(?:please )?(?:say|repeat|tell me)(?: that| it)?(?: again| once more| one more time)?|(?:can|could|would) you (?:please )?(?:say|repeat) (?:that|it|yourself)(?: again| once more| one more time)?(?: for me)?"
            r"|(?:i )?(?:didn't|did not|couldn't|could not|can't) (?:quite )?(?:catch|get|hear|understand|follow) (?:that|you|it|what you said|a word)(?: .{0,30})?|i missed (?:that|it)|you what)(?:,? please)?"
        ),
    ),
    (
        Talk.GOODBYE,
        (
            # Nobody is hung up on for "does he need a letter before he comes in to see you" or "can I pay, bye" (for "by").
            r"(?:(?!(?:can|could|do|does|did|is|are|am|what|how|when|where|why|who|which|will|would|should|may|if)\b).*"
            r"\b(?:good ?bye|bye(?:[ -]bye)?|cheerio|ta[ -]ra)\b(?! (?:how|what|when|do|can|is|are)).{0,25})"
            r"|(?:(?:i'll|we'll) )?(?:see|speak to|talk to) you(?: (?:then|soon|later|tomorrow|there|on \w+))*|speak soon|take care(?: now)?"
            r"|(?:.{0,30}\b)?have a (?:good|nice|great|lovely) (?:day|one|evening|afternoon|weekend)"
        ),
    ),
    (
        Talk.DONE,
        (
            r"(?:no,? ?)*(?:that's|that is|that was|that will be|that'll be|that would be) (?:all|it|everything|fine|great|perfect|lovely)(?: (?:i|we) (?:need|needed|wanted)(?: to know)?)?(?: for (?:now|today))?"
            r"|nothing(?: else| more)?|no,? (?:(?:that's|that is) (?:all|it|fine|everything|okay|ok|great|good)|nothing(?: else)?|i'm (?:all )?(?:good|fine|done|okay|ok|sorted|all right)|thank you|thanks|not (?:today|now|right now|at the moment|really))(?:[ ,]+(?:thanks|thank you|cheers|for now|today|very much|bye))*|i'm (?:all )?(?:good|fine|done|sorted)(?: thanks?| thank you)?|no more questions|i think that's (?:all|it|everything)|that's all i.{0,25}"
        ),
    ),
    (Talk.HOW_ARE_YOU, r"(?:.{0,30}\b)?how(?:'s it going| are you(?: doing)?(?: today)?| do you do|'re you)"),
    (
        Talk.GREETING,
        r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|morning|afternoon|evening)(?: there| again)?(?:,? (?:this is|it's|my name is|i'm) [\w' ]{2,30})?",
    ),
    (
        Talk.THANKS,
        r"(?:(?:that's|that is|it's|you've been|you're) (?:very |so |really |all )*(?:great|good|fine|kind|helpful|lovely|perfect|brilliant)[ ,]*)?(?:thank you|thanks|cheers|much appreciated|that's (?:very )?(?:kind|helpful)|that helps|ta)(?: (?:very|so) much| a lot|,? that's (?:great|helpful|very kind|lovely|perfect)| for .{2,30})?",
    ),
    (
        Talk.ROBOT,
        r".*\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)|are u)\b.{0,20}\b(?:robot|machine|computer|bot|a ?i|artificial|real|human|person|recording|automated|answering machine|alive)\b.*",
    ),
    (
        Talk.WHO,
        r"(?:who(?:'s| is| am i).{0,30}(?:this|speaking|talking to|there|that|you|speaking to)|who are you|what(?:'s| is) your name|is (?:this|that) the (?:right )?(?:number|place|shop|office|school|practice|clinic|salon)(?: .{0,30})?|have i (?:reached|got(?! (?:to|time|until|till|long|any|a|an|enough|left)\b)) .{2,30}|who(?: have i| did i).{0,20}|what company is this|where am i calling)",
    ),
    (
        Talk.PERSON,
        (
            r"(?:.{0,25}\b)?(?:speak|talk|put me through|put me on|connect me|transfer me|get me|put me)\b(?: (?:to|with|through to|on to|over to))?"
            r" (?:a |an |the |some |your )?(?:real |actual |live |human )?(?:person|human|human being|someone|somebody|anyone|anybody|manager|boss|operator|agent|colleague"
            r"|member of staff|staff|reception|receptionist|representative|owner|doctor|dentist|teacher|assistant)(?: (?:real|else|instead|there|human))?(?:,? please)?"
            r"|i (?:want|need|would like|'d like) (?:a |an )?(?:real )?(?:person|human|human being|operator|agent)(?:,? please)?"
            r"|(?:is there|can i have|could i have) (?:a )?(?:real |actual )?(?:person|human|human being|someone|somebody|anyone|anybody)(?: real| human)? (?:there|i can (?:speak|talk) (?:to|with))(?! (?:on (?:a |the )?\w+days?|on (?:a |the )?weekends?|at (?:\d|noon|(?:the )?weekends?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)|after|before|until|till|from \d)\b)(?: .{0,20})?"
        ),
    ),
    (
        Talk.ABILITY,
        r"(?:what can you (?:do|help(?: me)? with|tell me)|how can you help(?: me)?|help(?: me)?|what can i ask(?: you)?|what do you (?:do|know)|can you help(?: me)?(?: please)?)",
    ),
    (
        Talk.THERE,
        r"(?:can you hear me|are you (?:still )?(?:there|here|listening)|is (?:anybody|anyone|somebody|someone) there|hello,? (?:can you hear me|is (?:anybody|anyone) there|are you there)|am i through|do you hear me)",
    ),
    (
        Talk.PREAMBLE,
        r"(?:i(?:'ve| have)(?: got)? (?:a|another|one more|a quick|a couple of|some|two|one) (?:quick )?questions?(?: (?:for you|about something))?|(?:can|could|may) i ask (?:you )?(?:a question|something|something else|you something)(?: else)?|i (?:just )?(?:wanted|want|would like|'d like) to ask (?:you )?(?:something|a question)|one more (?:thing|question)|another question|i need (?:some )?(?:help|information))",
    ),
    (
        Talk.WAIT,
        r"(?>(?:just )?(?:wait|hang on|hold on|stop|one (?:moment|second|sec|minute)|a (?:moment|second|sec|minute)|give me a (?:moment|second|sec|minute)|just a (?:moment|second|sec|minute)|bear with me|let me (?:think|see))(?: a (?:second|sec|moment|minute|bit))?[ ,.]*)++(?:please)?|be quiet|shut up",
    ),
    (
        Talk.FORGET,
        r"(?:stop|that's enough|enough)[, ]+(?:that's|that is|it's|that will|i know|i have|okay|ok|enough|got)\b.{0,20}|(?:(?:actually,? )?(?:forget (?:that|it|about it)|never ?mind|doesn't matter|it doesn't matter|scratch that|skip (?:that|it)|leave it|don't worry(?: about it)?))",
    ),
    (
        Talk.MISSED,
        r"(?:no,? )*(?:that's|that is|that was)(?:n't| not) what i (?:asked|meant|wanted|said).*|(?:no,? )*(?:that's|that is) (?:wrong|not right|not it)|you (?:didn't|did not) (?:answer|understand).*|i (?:didn't|did not) ask that",
    ),
    (Talk.NO, r"(?:no|nope|nah|not really)(?:,? (?:thanks|thank you|no))*"),
    (
        Talk.YES,
        r"(?:yes|yeah|yep|yup|ok|okay|sure|right|mhm|mm-?hm+|mm+|uh-?huh|aha|i see|got it|fine|alright|all right|great|good|perfect|lovely|cool|exactly|correct|oh|ah|super|brilliant)(?:[ ,.]+(?:please|okay|ok|right|sure|yes|great|thanks?|i see))*",
    ),
)
_COMPILED = tuple((talk, re.compile(rf"^(?:{pattern})$")) for talk, pattern in _RULES)
_NOISE = re.compile(r"^(?:um+|uh+|er+m?|hm+|ah+|eh|the|a|and|you|\W)*$")
_OPENERS = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|okay|ok|oh|ah|right|great|lovely|perfect|brilliant|alright|all right|thank you(?: very much| so much)?|thanks(?: a lot)?|cheers|well|so|um+|uh+|erm?"
    r"|sorry|excuse me|wait|hang on(?: a (?:second|sec|moment))?|hold on|just a (?:second|moment)|no|yes|yeah|actually|one more (?:thing|question)|i have a question|quick question|i was wondering|can i (?:just )?ask(?: you)?|could i (?:just )?ask|i(?: just)? (?:want|wanted|would like|'d like) to (?:ask|know)|could you tell me|can you tell me|do you know|tell me|please)"
    r"(?:there)?(?>\s*[,.!:;–-]+\s*|\s+(?=\S)))++",
    re.IGNORECASE,
)


def _stripped(text: str) -> str:
    return re.sub(r"[\s.,!?…–-]+$", "", re.sub(r"^[\s.,!?…–-]+", "", text))


def _without_fillers(text: str) -> Iterator[str]:
    """ "Okay, great, bye" as it is, then with one filler less at a time; at last without commas."""
    rest = text
    for _ in range(_MOST_FILLERS):
        yield rest
        filler = _FILLER.match(rest)
        if filler is None or not (rest := _stripped(rest[filler.end() :])):
            break
    yield _stripped(text.replace(",", ""))


@lru_cache(maxsize=256)  # asked for by the dialogue and by each look at a pause
def talk(said: str) -> Talk | None:
    """The kind of small talk that `said` is, all of it; None where it asks for something."""
    text = _stripped(plain(said))
    text = re.sub(r"[.!?,]+(?=\s)", ",", text)
    if not text or _NOISE.match(text):
        return Talk.NOTHING
    for candidate in _without_fillers(text):
        for kind, pattern in _COMPILED:
            if pattern.match(candidate):
                return kind
    return None


def without_openers(said: str) -> str:
    """ "Hi, thanks, could you tell me when you open?" without what leads up to the request."""
    rest = _OPENERS.sub("", said.strip(), count=1)
    return rest if len(rest.split()) >= 2 else said.strip()
