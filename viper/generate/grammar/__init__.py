"""The grammar: question → logical form → program, without any model.

parse("Is the cat on the car?")          some(cat: on(car))          viper.generate.grammar.parse
write_program(form, capabilities, …)     def execute_command(image)  viper.generate.grammar.writing.write

vocabulary/     tokenizer, spelling correction, dictionary, and the word lists of the grammar
reading/        a chart parser: noun phrases, conditions, question frames, referring expressions
description     the meaning of a noun phrase  ┐ plain values, printed by `viper generate --explain`
logical_form    the meaning of a question     ┘ and explained in docs/grammar.md
writing/        a code generator: searches, predicates and answers, for the models that are served
"""

from __future__ import annotations

from viper.generate.grammar.generator import GrammarGenerator
from viper.generate.grammar.logical_form import LogicalForm
from viper.generate.grammar.parse import parse
from viper.generate.grammar.writing.write import write_program

__all__ = ["GrammarGenerator", "LogicalForm", "parse", "write_program"]
