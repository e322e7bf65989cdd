"""`viper models`: list, fetch, find and delete the models of presets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from viper.cli.errors import INTERRUPTED, checked_options, exit_on_error
from viper.cli.options import output_options
from viper.cli.output import echo, notice, print_json
from viper.errors import ConfigError, did_you_mean, install_command
from viper.texts.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viper.models.roles import Role
    from viper.weights.cache import OnDisk
    from viper.weights.files import Library

__all__ = ["models"]

_target = click.argument("target", metavar="PRESET|REPOSITORY")
_revision = click.option(
    "--revision", metavar="NAME", help="Branch, tag or commit of a REPOSITORY."
)


@click.group()
def models() -> None:
    """List and fetch the models for photographs.

    \b
    viper models list            which models the presets need, and what is on disk
    viper models pull small      fetch a preset; resumes an interrupted download
    viper models path small      print the folders to load from
    viper models remove REPO     delete a model from disk

    Weights are stored in the cache of huggingface_hub (HF_HOME), shared with other programs. No other verb
    fetches anything: if a model is not on disk, the error names the command that fetches it.
    """


@models.command(name="list")
@output_options
def list_(as_json: bool, debug: bool) -> None:
    """Show roles, repositories, sizes, licenses and what is on disk, without network access."""
    from viper.cli.models_table import preset_rows
    from viper.models.registry import plugin_backends
    from viper.storage.user_cache import NO_HOME
    from viper.weights.cache import cache_folder, has_no_home

    with exit_on_error(debug=debug):
        rows, plugins = preset_rows(), plugin_backends()
    if as_json:
        print_json(
            {
                "cache": str(cache_folder()),
                "presets": [row.to_json() for row in rows],
                "plugins": [
                    {"role": role, "name": name, "distribution": plugin.distribution}
                    for (role, name), plugin in plugins.items()
                ],
            }
        )
        return
    for row in rows:
        row.print()
    for (role, name), plugin in plugins.items():
        echo(f"  {role:<9} {name + ':…':<45} of {one_line(plugin.origin)}")
    if plugins:
        echo()
    cache = cache_folder()
    if has_no_home(cache):
        notice(f"weights have no place: {NO_HOME}. Set HOME, or HF_HOME to a folder for them.")
        return
    echo(f"Weights are stored in {cache}. Fetch a preset with: viper models pull small")


@models.command()
@_target
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE",
    help="Fetch only the models that serve this role of the preset; repeatable.",
)
@_revision
@click.option(
    "--library",
    type=click.Choice(["transformers", "open_clip"]),
    help="The library whose weights to fetch from a REPOSITORY with both; default: transformers.",
)
@output_options
def pull(
    target: str,
    roles: tuple[str, ...],
    revision: str | None,
    library: Library | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Fetch the weights of a PRESET, or of any REPOSITORY of the hub (OWNER/NAME).

    \b
    viper models pull small
    viper models pull small --role detector --role matcher
    viper models pull google/siglip2-base-patch32-256

    Only safetensors and the small files beside them are fetched, never pickles or code. Sizes and
    checksums are verified. An interrupted download resumes where it stopped, also in a later run.
    Prints the folders to load from. For a gated model set HF_TOKEN.

    Exit status: 0 all on disk, 1 failed, 130 interrupted (run it again to resume), 2 usage.
    """
    from viper.cli.models_table import megabytes
    from viper.cli.transfer import transfer_bar
    from viper.engine.presets import repositories
    from viper.weights.cache import COMMIT
    from viper.weights.pull import check_disk_space, execute_pull, plan_pull

    try:
        with exit_on_error(debug=debug):
            if extra := _missing_extra(target, library):
                notice(
                    f"{target} runs in libraries that are not installed; before you use it: "
                    f"{install_command(extra)}"
                )
            folders, plans = {}, []
            with checked_options():
                wanted = _requested(target, roles, revision, library)
            for one in wanted:
                found = one.on_disk()
                name = one.revision or "main"
                if found.state == "complete" and COMMIT.fullmatch(name):
                    folders[one.repository] = str(found.folder)  # a commit does not change
                else:
                    plans.append(plan_pull(one.repository, name, library, repositories()))
            check_disk_space(plans)
            for plan in plans:
                size = megabytes(plan.to_fetch_bytes) if plan.to_fetch_bytes else "nothing"
                notice(f"{plan.listing.repository}: {size} to fetch")
                with transfer_bar() as on_progress:
                    pulled = execute_pull(plan, on_progress)
                folders[pulled.repository] = str(pulled.folder)
    except KeyboardInterrupt:
        notice("interrupted; run the same command again to resume the download.")
        sys.exit(INTERRUPTED)
    _print_folders(folders, as_json)


@models.command()
@_target
@_revision
@output_options
def path(target: str, revision: str | None, as_json: bool, debug: bool) -> None:
    """Print the folders of a PRESET or a REPOSITORY on disk; exit status 1 if a model is missing."""
    with exit_on_error(debug=debug), checked_options():
        requested = _requested(target, (), revision)
    found = {one.repository: one.on_disk() for one in requested}
    complete = {name: str(disk.folder) for name, disk in found.items() if disk.state == "complete"}
    _print_folders(complete, as_json)
    if missing := [name for name in found if name not in complete]:
        notice(f"not on disk: {', '.join(missing)}. Fetch with: viper models pull {target}")
        sys.exit(1)


@models.command()
@click.argument("repository")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@output_options
def remove(repository: str, yes: bool, as_json: bool, debug: bool) -> None:
    """Delete a REPOSITORY from disk: all revisions, and interrupted downloads."""
    import shutil

    from viper.weights.cache import repository_folder

    folder = repository_folder(repository)
    with exit_on_error(debug=debug):
        if not folder.is_dir():
            raise ConfigError(f"'{repository}' is not on disk. See: viper models list")
        if not yes and sys.stdin is None:
            raise ConfigError(
                "The standard input is closed, so that nobody can be asked: add --yes."
            )
        if not yes:
            click.confirm(f"Delete {one_line(str(folder))}?", abort=True, err=True)
        _delete_revisions(repository)
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise ConfigError(f"Parts of {str(folder)!r} cannot be deleted.")
    if as_json:
        print_json({"removed": str(folder)})
    else:
        notice(f"removed {folder}")


def _print_folders(folders: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json({"folders": folders})
        return
    for folder in folders.values():
        echo(folder)


class _Requested(NamedTuple):
    """A repository to fetch or to find on disk."""

    repository: str
    revision: str | None
    library: Library | None = None
    role: Role | None = None
    """Decides which parts are needed."""

    def on_disk(self) -> OnDisk:
        from viper.weights.cache import find_on_disk

        library: Library = self.library or "transformers"
        return find_on_disk(self.repository, self.revision, role=self.role, library=library)


def _requested(
    target: str, roles: Sequence[str], revision: str | None, library: Library | None = None
) -> list[_Requested]:
    """Return the repositories of a preset, or the one that is named, each once.

    Raises:
        ConfigError: There is no such preset or role, or the preset needs no weights.
    """
    from viper.engine.presets import load_presets
    from viper.models.registry import parse_role

    presets = load_presets()
    if target not in presets:
        if "/" not in target:
            raise ConfigError(
                f"There is no preset {target!r}. {did_you_mean(target, presets)}Presets: "
                f"{', '.join(presets)}; or give a repository, OWNER/NAME."
            )
        if roles:
            raise ConfigError("--role selects models of a preset, not of a repository.")
        return [_Requested(target, revision, library)]
    if revision is not None:
        raise ConfigError("--revision is for a repository; a preset defines its own revisions.")
    preset = presets[target]
    if preset.first_of:
        preset = presets[preset.first_of[0]]
    if not preset.models:
        raise ConfigError(f"The preset {target!r} needs no weights from the hub.")
    chosen = {parse_role(name) for name in roles}
    for role in chosen - {model.role for model in preset.models}:
        raise ConfigError(f"The preset {target!r} has no model for the role {role!r}.")
    requested = {
        model.repository: _Requested(model.repository, model.revision, library, model.role)
        for model in preset.models
        if not chosen or model.role in chosen
    }
    return list(requested.values())


def _missing_extra(target: str, library: Library | None) -> str | None:
    """Return the extra that a preset or repository needs and that is not installed."""
    from viper.engine.presets import load_presets, missing_extra
    from viper.models.registry import backends_for

    presets = load_presets()
    if target in presets:
        preset = presets[target]
        return missing_extra(presets[preset.first_of[0]] if preset.first_of else preset)
    entry = backends_for("matcher")[library or "transformers"]
    return None if entry.is_installed else entry.extra


def _delete_revisions(repository: str) -> None:
    """Let the hub's library delete what it stores outside the repository's folder."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        scanned = scan_cache_dir()
    except (CacheNotFound, ValueError):
        return
    hashes = [
        revision.commit_hash
        for repo in scanned.repos
        if repo.repo_type == "model" and repo.repo_id == repository
        for revision in repo.revisions
    ]
    if hashes:
        scanned.delete_revisions(*hashes).execute()
