"""`viper generate QUESTION | --file FILE.jsonl`: write programs without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from viper.cli.errors import checked_options, exit_on_error, failure_json
from viper.cli.files import read_text
from viper.cli.options import (
    choices_option,
    draft_options,
    open_engine,
    output_options,
    program_cache_option,
    task_option,
)
from viper.cli.output import echo, notice, print_json
from viper.cli.spinner import LiveLine
from viper.errors import GenerationError, InputError
from viper.storage.bounded_json import parse_json

if TYPE_CHECKING:
    from viper.engine.engine import Engine
    from viper.programs.program import Program, Task

__all__ = ["generate"]


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    query: str
    task: Task
    choices: tuple[str, ...]


@click.command()
@click.argument("question", required=False)
@click.option(
    "--file",
    metavar="FILE.jsonl",
    help="Read rows with id, query (or question) and optional task and choices; print a row for "
    "each: id, query, program, answer_kind, unparsed.",
)
@click.option("--explain", is_flag=True, help="Show how the question was understood, on stderr.")
@click.option(
    "--show-prompt",
    is_flag=True,
    help="Print the conversation that a language model would read instead of asking it; its size "
    "goes to stderr.",
)
@task_option
@choices_option
@draft_options
@program_cache_option
@output_options
def generate(
    question: str | None, file: str | None, explain: bool, show_prompt: bool, **options: Any
) -> None:
    """Print the program that answers QUESTION, without running it.

    \b
    viper generate "How many people are left of the bus?"
    viper generate "left dog" --task grounding --explain
    viper generate --file questions.jsonl > programs.jsonl
    viper generate "left dog" --generator local:FOLDER --show-prompt

    Without a backend the program may use the whole API; with --models or --backend, only
    the calls that these models serve.
    """
    if (question is None) == (file is None):
        raise click.UsageError("Give a QUESTION or --file FILE.jsonl.")
    if show_prompt and question is None:
        raise click.UsageError("--show-prompt shows the prompt of one QUESTION.")
    failed = {"id": "", "query": question, "program": None}
    has_json = options["as_json"] and question is not None
    failures = 0
    with (
        exit_on_error(debug=options["debug"], failed=failed if has_json else None),
        LiveLine() as live,
        open_engine(options, live=live, for_prompt=show_prompt) as engine,
    ):
        if file is not None:
            failures = sum(_print_row(engine, row) for row in _rows(file, options))
        else:
            assert question is not None
            row = _Row("", question, options["task"], options["choices"])
            if show_prompt:
                _show_prompt(engine, row, as_json=options["as_json"])
                return
            live.writing(engine.config.generator)
            program = _program(engine, row)
            live.close()
            if explain:
                echo(_explanation(engine, row), err=True)
            if options["as_json"]:
                print_json(_row_json(row, program))
            else:
                echo(program.source)
            for note in () if explain else program.notes:  # --explain shows them
                notice(note)
            if program.unparsed:
                notice(f"words that the program ignores: {', '.join(program.unparsed)}")
    sys.exit(1 if failures else 0)


def _program(engine: Engine, row: _Row) -> Program:
    with checked_options():  # the words that the detector knows decide what is written
        return engine.generate(row.query, task=row.task, choices=row.choices)


def _show_prompt(engine: Engine, row: _Row, *, as_json: bool) -> None:
    with checked_options():
        engine.capabilities()
    prompt = engine.prompt(row.query, task=row.task, choices=row.choices)
    if as_json:
        messages = [{"role": message.role, "content": message.text} for message in prompt.messages]
        print_json({"messages": messages, "tokens": prompt.tokens, "tokenizer": prompt.tokenizer})
    else:
        echo(str(prompt))
        notice(f"the prompt has {prompt.size}")


def _print_row(engine: Engine, row: _Row) -> int:
    """Print one row; return 1 when no program could be written."""
    try:
        print_json(_row_json(row, _program(engine, row)))
    except (GenerationError, InputError) as error:
        notice(f"row {row.id}: {error}")
        failed = _row_json(row, None) | {"failure": failure_json(error)}
        print_json(failed)
        return 1
    return 0


def _row_json(row: _Row, program: Program | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "query": row.query,
        "program": program and program.source,
        "answer_kind": program and program.answer_kind,
        "unparsed": list(program.unparsed) if program else [],
    }


def _explanation(engine: Engine, row: _Row) -> str:
    if engine.config.generator != "grammar":
        return "--explain shows the grammar's logical form; other generators have none."
    from viper.generate.grammar import parse

    form = parse(row.query, row.task, row.choices)
    return f"{form}\n{form.explain()}"


def _rows(file: str, options: dict[str, Any]) -> Iterator[_Row]:
    for number, line in enumerate(read_text(file, what="file of questions").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
            query = row.get("query", row.get("question"))
        except (ValueError, AttributeError) as error:
            raise InputError(f"{file}:{number} is not a JSON object: {line[:60]!r}") from error
        if not isinstance(query, str):
            raise InputError(f"{file}:{number} has neither 'query' nor 'question' as a text.")
        task = row.get("task", options["task"])
        if task not in ("vqa", "grounding"):
            raise InputError(
                f"{file}:{number}: task must be 'vqa' or 'grounding', but got {task!r}."
            )
        choices = row.get("choices") or options["choices"]
        if not isinstance(choices, list | tuple) or not all(isinstance(c, str) for c in choices):
            raise InputError(
                f"{file}:{number}: choices must be a list of texts, but got {choices!r:.60}."
            )
        if type(id_ := row.get("id", number)) not in (str, int):
            raise InputError(
                f"{file}:{number}: id must be a text or a number, but got {id_!r:.60}."
            )
        yield _Row(str(id_), query, task, tuple(choices))
