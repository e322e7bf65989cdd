"""Question frame for a shared attribute: "What do the cup and the plate have in common?"."""

from __future__ import annotations

from viper.generate.grammar.logical_form import AskCommon
from viper.generate.grammar.reading.existence import Queries
from viper.generate.grammar.reading.name_questions import NameChart

__all__ = ["CommonChart"]


class CommonChart(NameChart):
    """Reads questions for a shared attribute."""

    def common_question(self) -> Queries:
        """Read "What is common to the cup and the plate?", "What do both cups have in common?"."""
        start = self.after(0, "what is common to|what is common between|what do|what does")
        if start is None:
            return
        behind = self.text(1) != "is"
        for first, end in self.description(self.skip(start, "both")):
            joint = self.after(end, "and")
            if joint is None:
                continue
            for second, stop in self.description(joint):
                last = self.after(stop, "have in common|share") if behind else stop
                if last is not None:
                    yield AskCommon((first, second)), last
