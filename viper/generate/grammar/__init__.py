"""The grammar: question → logical form → program, without any model.

parse("Is the cat on the car?")          some(cat: on(car))          viper.generate.grammar.parse
write_program(form, capabilities, …)     def execute_command(image)  viper.generate.grammar.writing.write

vocabulary/     spelling, the dictionary, and the words that the grammar knows by meaning
reading/        noun phrases and conditions; frames of questions; referring expressions; refusals
description     what a noun phrase means  ┐ plain values, `viper generate --explain` prints them,
logical_form    what a question means     ┘ docs/grammar.md explains them
writing/        searches, tests and closing lines of programs, for what is served
"""

from __future__ import annotations

from viper.generate.grammar.generator import GrammarGenerator
from viper.generate.grammar.logical_form import LogicalForm
from viper.generate.grammar.parse import parse
from viper.generate.grammar.writing.write import write_program

__all__ = ["GrammarGenerator", "LogicalForm", "parse", "write_program"]
