"""Question frames about the whole image: weather, place, indoors or outdoors.

    What is the weather like?      Which place is shown, a park or a farm?      Is it an outdoors scene?

They mention no objects to look for, so the logical form holds the question itself, in normalized words.
"""

from __future__ import annotations

from collections.abc import Iterator

from viper.generate.grammar.logical_form import AskScene
from viper.generate.grammar.reading.chart import Parses, Queries, combined
from viper.generate.grammar.reading.questions import YesNoChart
from viper.generate.grammar.vocabulary.lexicon import SCENE_PLACES, SCENE_STATES

__all__ = ["SceneChart"]

_COPULAS = "is|was"
_IMAGE_NOUNS = combined("|the|this|that|a|an", "picture|image|photo|scene|photograph")
_PLACE_NOUNS = "place|location|room|scene|setting|environment"
_SORTS = "type of|kind of|sort of|"
_PLACE_BEHIND = (
    "is it|is this|is that|is shown|is pictured|is depicted|is seen|was it|"
    "could this be|could it be|might this be|do you see|"
)
_WEATHER_LEADS = (
    "does the weather appear to be|does the weather seem to be|does the weather look to be|"
    "does the weather appear|does the weather look|does the weather seem|is the sky or weather|"
    "does it appear to be|does it seem to be|was the weather|is the weather|the weather is|"
    "does it look|does it seem|is this an|is this a|is it an|is it a|is it|it is"
)
_HOW_WEATHER = (
    "how does the weather appear to be|how does the weather seem to be|"
    "what does the weather look like|how does the weather look like|"
    "what kind of weather is shown|which kind of weather is it|what kind of weather is it|"
    "what type of weather is it|how does the weather look|what is the weather like|"
    "how is the weather like|what is the weather|how is the weather"
)


class SceneChart(YesNoChart):
    """Reads questions about the whole image."""

    def scene(self) -> Queries:
        """Yield the parses of a question about the whole image."""
        yield from self._weather()
        yield from self._state()
        yield from self._which_place()
        yield from self._place_named()

    def _weather(self) -> Queries:
        """Read "How is the weather?", "What is the weather like, cloudy or sunny?"."""
        start = self.after(0, _HOW_WEATHER)
        if start is None:
            return
        yield AskScene("What is the weather like?", "weather"), start
        for words, end in self._state_words(self.skip(start, ",")):
            if len(words) > 1:
                question = f"What is the weather like, {' or '.join(words)}?"
                yield AskScene(question, "weather", tuple(words)), end

    def _state(self) -> Queries:
        """Read "Is the weather cloudy?", "Is it indoors or outdoors?"."""
        start = self.after(0, _WEATHER_LEADS)
        if start is None:
            return
        weather = "weather" in self.texts[:start]
        negated = self.text(start) == "not"
        for words, end in self._state_words(start + negated):
            end = self.optional(end, "scene|place|weather|picture|photo|image")
            of_scene = weather or {word.replace(" ", "-") for word in words} <= SCENE_STATES
            if not of_scene or (negated and len(words) > 1):
                continue
            subject = "the weather" if weather else "it"
            question = f"Is {subject} {'not ' * negated}{' or '.join(words)}?"
            if len(words) == 1:
                yield AskScene(question, "yesno"), end
            else:
                yield AskScene(question, "weather" if weather else "scene", tuple(words)), end

    def _state_words(self, at: int) -> Parses[list[str]]:
        """Yield adjectives joined by "or" or "and"."""
        at = self.skip(at, "either|maybe|perhaps|rather|very")
        word = self.text(at)
        if not word.isalpha() and "-" not in word:
            return
        if not (word in SCENE_STATES or self.attribute(at)):
            return
        end = at + 1
        if self.text(end) == "or":
            start = self.after(end + 1, "is it|an|a") or end + 1
            for rest, stop in self._state_words(start):
                yield [word.replace("-", " "), *rest], stop
        yield [word.replace("-", " ")], end

    def _which_place(self) -> Queries:
        """Read "Which place is it?", "Where was the picture taken, at a beach or a lake?"."""
        for end, noun in self._place_question():
            question = f"What {noun} is this?"
            yield AskScene(question, "place"), end
            for places, stop in self._places(self.skip(end, ",")):
                if len(places) > 1 and stop == self.end:
                    listed = f"{question[:-1]}, {' or '.join(places)}?"
                    yield AskScene(listed, "place", tuple(places)), stop

    def _place_question(self) -> Iterator[tuple[int, str]]:
        where = self.after(0, "where was|where is|where")
        if where is not None:
            image = self.after(where, f"{_IMAGE_NOUNS}|it|this")
            photographed = image and self.after(image, "taken|shot")
            if photographed:
                yield photographed, "place"
            return
        start = self.after(0, combined("what|which|in what|in which|at what|at which", _SORTS))
        if start is None:
            return
        if not self.word_in(start, _PLACE_NOUNS):
            return
        behind = self.after(start + 1, _PLACE_BEHIND)
        if behind is None:
            return
        image = self.after(behind, combined("is", _IMAGE_NOUNS))
        if image is not None:
            behind = self.optional(image, "in|at|of|showing|taken in|taken at")
        elif behind == start + 1:
            return
        yield behind, self.text(start)

    def _place_named(self) -> Queries:
        """Read "Is this picture showing a park?", "Was it taken in a zoo?", "Is it a beach?"."""
        start = self.after(0, f"{_COPULAS}|does|did")
        if start is None:
            return
        image = self.after(start, f"{_IMAGE_NOUNS}|this place|the place|it|this|that")
        if image is None:
            return
        lead = self.after(
            image,
            "a picture of|a photo of|a scene of|showing|show|taken in|taken at|taken on|taken from|"
            "an image of|of",
        )
        place = self.text(image - 1) == "place"
        for places, end in self._places(lead or image):
            photographed = lead is not None and self.text(lead - 2) == "taken"
            if not (photographed or place) and not set(places) <= SCENE_PLACES:
                continue  # "does the picture show a kite?" asks for an object
            question = f"Is this {' or '.join(map(_with_article, places))}?"
            if len(places) == 1:
                yield AskScene(question, "yesno"), end
            else:
                yield AskScene(question, "place", tuple(places)), end

    def _places(self, at: int) -> Parses[list[str]]:
        """Yield the names of places joined by "or": "in a garage or at a parking lot"."""
        at = self.skip(at, "either|in|at|on|maybe|perhaps")
        for place, end in self.noun_phrase(at):
            if place.noun is None or place.conditions:
                continue
            joint = self.skip(end, ",")
            if self.text(joint) == "or":
                for rest, stop in self._places(joint + 1):
                    yield [place.noun, *rest], stop
            yield [place.noun], end


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
