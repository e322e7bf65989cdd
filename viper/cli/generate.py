"""`viper generate QUESTION | --file FILE.jsonl`: write programs without running them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from viper.cli.options import (
    choices_option,
    draft_options,
    open_engine,
    output_options,
    program_cache_option,
    task_option,
)

if TYPE_CHECKING:
    from viper.engine.engine import Engine
    from viper.programs.program import Program

__all__ = ["generate"]


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    query: str
    task: str
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

    Without a backend the program may use the whole API; with --models or --backend, what they serve.
    """
    if (question is None) == (file is None):
        raise click.UsageError("Give a QUESTION or --file FILE.jsonl.")
    if show_prompt and question is None:
        raise click.UsageError("--show-prompt shows the prompt of one QUESTION.")
    from viper.cli.output import notice, print_error, print_json, printable
    from viper.errors import ViperError

    failures = 0
    try:
        with open_engine(options) as engine:
            if file is not None:
                for row in _rows(file, options):
                    failures += _print_row(engine, row)
            else:
                assert question is not None
                row = _Row("", question, options["task"], options["choices"])
                if show_prompt:
                    _show_prompt(engine, row, as_json=options["as_json"])
                    return
                program = _program(engine, row)
                if explain:
                    click.echo(printable(_explanation(engine, row)), err=True)
                if options["as_json"]:
                    print_json(_row_json(row, program))
                else:
                    click.echo(printable(program.source))
                for note in () if explain else program.notes:  # --explain has said so
                    notice(note)
                if program.unparsed:
                    notice(f"words without a part in the program: {', '.join(program.unparsed)}")
    except ViperError as error:
        print_error(error, debug=options["debug"])
        if options["as_json"] and question is not None:
            failure = {"kind": error.kind, "line": None, "message": str(error)}
            print_json({"id": "", "query": question, "program": None, "failure": failure})
        sys.exit(1)
    sys.exit(1 if failures else 0)


def _program(engine: Engine, row: _Row) -> Program:
    task: Any = row.task  # checked where the row was read
    return engine.generate(row.query, task=task, choices=row.choices)


def _show_prompt(engine: Engine, row: _Row, *, as_json: bool) -> None:
    from viper.cli.output import notice, print_json, printable

    task: Any = row.task  # checked where the row was read
    prompt = engine.prompt(row.query, task=task, choices=row.choices)
    if as_json:
        messages = [{"role": message.role, "content": message.text} for message in prompt.messages]
        print_json({"messages": messages, "tokens": prompt.tokens, "tokenizer": prompt.tokenizer})
    else:
        click.echo(printable(str(prompt)))
        notice(f"the prompt has {prompt.size}")


def _print_row(engine: Engine, row: _Row) -> int:
    """Print one row; return 1 when no program could be written."""
    from viper.cli.output import notice, print_json
    from viper.errors import GenerationError, InputError

    try:
        print_json(_row_json(row, _program(engine, row)))
    except (GenerationError, InputError) as error:
        notice(f"row {row.id}: {error}")
        failure = {"kind": error.kind, "line": None, "message": str(error)}
        nothing: dict[str, Any] = {"program": None, "answer_kind": None, "unparsed": []}
        print_json({"id": row.id, "query": row.query, **nothing, "failure": failure})
        return 1
    return 0


def _row_json(row: _Row, program: Program) -> dict[str, Any]:
    return {
        "id": row.id,
        "query": row.query,
        "program": program.source,
        "answer_kind": program.answer_kind,
        "unparsed": list(program.unparsed),
    }


def _explanation(engine: Engine, row: _Row) -> str:
    if engine.config.generator != "grammar":
        return "--explain shows the grammar's logical form; other generators have none."
    from viper.generate.grammar import parse

    task: Any = row.task
    form = parse(row.query, task, row.choices)
    return f"{form}\n{form.explain()}"


def _rows(file: str, options: dict[str, Any]) -> Iterator[_Row]:
    from viper.cli.files import read_text
    from viper.errors import InputError

    for number, line in enumerate(read_text(file, what="file of questions").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            query = row.get("query", row.get("question"))
        except (json.JSONDecodeError, AttributeError) as error:
            raise InputError(f"{file}:{number} is not a JSON object: {line[:60]!r}") from error
        if not isinstance(query, str):
            raise InputError(f"{file}:{number} has neither 'query' nor 'question' as a text.")
        task = row.get("task", options["task"])
        if task not in ("vqa", "grounding"):
            raise InputError(
                f"{file}:{number}: task must be 'vqa' or 'grounding', but got {task!r}."
            )
        yield _Row(
            str(row.get("id", number)),
            query,
            task,
            tuple(map(str, row.get("choices") or options["choices"])),
        )
