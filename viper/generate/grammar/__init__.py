"""The grammar: question → logical form → program, without any model.

    parse("Is the cat on the car?")          some(cat: on(car))          viper.generate.grammar.parse
    write_program(form, capabilities, …)     def execute_command(image)  viper.generate.grammar.write

`tokens` and `spelling` settle spelling; `chart`, `units`, `verbs`, `conditions`, `phrases` and `unions`
read noun phrases; `existence`, `questions`, `wh_questions` and `asked_last` read the frames around them;
`discourse` reads questions in two steps; `options` fits the meaning to the caller's choices. Referring
expressions have rules of their own in `marks`, `attaching` and `telegrams`, which `referring` applies;
`leftovers` sees to it that no word is dropped. `refusing` says what was not understood.

`logical_form` is the tree between the halves. `sharing`, `finding`, `selecting`, `testing` and
`geometry` write programs for what is served, `pointing` and `ranking` those that find one object. The
words are in `lexicon`, `relations`, `words` and `visual_words.txt`.
"""

from __future__ import annotations

from viper.generate.grammar.generator import GrammarGenerator
from viper.generate.grammar.logical_form import LogicalForm
from viper.generate.grammar.parse import parse
from viper.generate.grammar.write import write_program

__all__ = ["GrammarGenerator", "LogicalForm", "parse", "write_program"]
