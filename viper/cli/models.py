"""`viper models`: which models the presets need, what of them is on disk, and fetching the rest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from viper.cli.options import output_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viper.models.roles import Role
    from viper.weights.cache import OnDisk
    from viper.weights.files import Library

__all__ = ["models"]

_INTERRUPTED = 130
# What shells report for a command that Ctrl-C has ended.


@click.group()
def models() -> None:
    """Show and fetch the models that serve photographs.

    \b
    viper models list            which models the presets need, and what is on disk
    viper models pull small      fetch a preset; goes on where an earlier run was cut off
    viper models path small      the folders to load from
    viper models remove REPO     delete a model from the disk

    Weights lie in the cache of huggingface_hub (HF_HOME), shared with other programs. Nothing else
    of Viper fetches anything: a model that is not on disk is named with the command that fetches it.
    """


@models.command(name="list")
@output_options
def list_(as_json: bool, debug: bool) -> None:
    """Show roles, repositories, sizes, licences and what is on disk; asks no network."""
    from viper.cli.models_table import preset_rows
    from viper.cli.output import one_line, print_error, print_json
    from viper.errors import ViperError
    from viper.models.registry import plugin_backends
    from viper.weights.cache import cache_folder

    try:
        rows, plugged = preset_rows(), plugin_backends()
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
    if as_json:
        print_json(
            {
                "cache": str(cache_folder()),
                "presets": [row.to_json() for row in rows],
                "plugins": [
                    {"role": role, "name": name, "distribution": p.distribution}
                    for (role, name), p in plugged.items()
                ],
            }
        )
        return
    for row in rows:
        row.print()
    for (role, name), plugin in plugged.items():
        click.echo(f"  {role:<9} {name + ':…':<45} of {one_line(plugin.origin)}")
    if plugged:
        click.echo()
    click.echo(f"Weights lie in {cache_folder()}. Fetch a preset with: viper models pull small")


@models.command()
@click.argument("target", metavar="PRESET|REPOSITORY")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE",
    help="Fetch only what serves this role of the preset; repeatable.",
)
@click.option("--revision", metavar="NAME", help="Branch, tag or commit of a REPOSITORY.")
@click.option(
    "--library",
    type=click.Choice(["transformers", "open_clip"]),
    help="Whose weights of a REPOSITORY that holds both; default: those of transformers.",
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
    checksums are verified; a cut connection is taken up where it broke off, also by a later run.
    Prints the folders to load from. For a gated model set HF_TOKEN.

    Exit status: 0 all there, 1 failed, 130 interrupted (run it again to go on), 2 usage.
    """
    from viper.cli.models_table import megabytes
    from viper.cli.output import notice, print_error, print_json
    from viper.cli.transfer import transfer_bar
    from viper.engine.presets import repositories
    from viper.errors import ViperError
    from viper.weights.cache import COMMIT
    from viper.weights.pull import check_disk_space, execute_pull, plan_pull

    try:
        wanted = [one._replace(library=library) for one in _wanted(target, roles, revision)]
        folders, plans = {}, []
        for one in wanted:
            found = one.on_disk()
            if found.state == "complete" and COMMIT.fullmatch(one.revision):
                folders[one.repository] = str(found.folder)  # a commit does not change
            else:
                plans.append(plan_pull(one.repository, one.revision, library, repositories()))
        check_disk_space(plans)
        for plan in plans:
            size = megabytes(plan.to_fetch_bytes) if plan.to_fetch_bytes else "nothing"
            notice(f"{plan.listing.repository}: {size} to fetch")
            with transfer_bar() as on_progress:
                pulled = execute_pull(plan, on_progress)
            folders[pulled.repository] = str(pulled.folder)
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
    except KeyboardInterrupt:
        notice("interrupted; what has arrived is kept: run the same command again to go on.")
        sys.exit(_INTERRUPTED)
    if as_json:
        print_json({"folders": folders})
        return
    for folder in folders.values():
        click.echo(folder)


@models.command()
@click.argument("target", metavar="PRESET|REPOSITORY")
@click.option("--revision", metavar="NAME", help="Branch, tag or commit of a REPOSITORY.")
@output_options
def path(target: str, revision: str | None, as_json: bool, debug: bool) -> None:
    """Print the folders of a PRESET or a REPOSITORY on disk; exit 1 when something is missing."""
    from viper.cli.output import notice, print_error, print_json
    from viper.errors import ViperError

    try:
        wanted = _wanted(target, (), revision)
    except ViperError as error:
        print_error(error, debug=debug)
        sys.exit(1)
    found = {one.repository: one.on_disk() for one in wanted}
    whole = {name: str(disk.folder) for name, disk in found.items() if disk.state == "complete"}
    if as_json:
        print_json({"folders": whole})
    else:
        for folder in whole.values():
            click.echo(folder)
    if lacking := [name for name in found if name not in whole]:
        notice(f"not on disk: {', '.join(lacking)}. Fetch with: viper models pull {target}")
        sys.exit(1)


@models.command()
@click.argument("repository")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_options
def remove(repository: str, yes: bool, as_json: bool, debug: bool) -> None:
    """Delete a REPOSITORY with all its revisions, and parts of it, from the disk."""
    import shutil

    from viper.cli.output import notice, print_error, print_json
    from viper.errors import ConfigError
    from viper.weights.cache import repository_folder

    folder = repository_folder(repository)
    if not folder.is_dir():
        error = ConfigError(f"'{repository}' is not on disk. See: viper models list")
        print_error(error, debug=debug)
        sys.exit(1)
    if not yes:
        click.confirm(f"Delete {folder}?", abort=True, err=True)
    _forget_revisions(repository)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        print_error(ConfigError(f"{str(folder)!r} cannot be deleted whole."), debug=debug)
        sys.exit(1)
    if as_json:
        print_json({"removed": str(folder)})
    else:
        notice(f"removed {folder}")


class _Wanted(NamedTuple):
    """One repository to fetch or to find."""

    repository: str
    asked: str | None
    """The revision that was asked for."""
    role: Role | None = None
    """What it is for, which decides the parts that must be there."""
    library: Library | None = None

    @property
    def revision(self) -> str:
        return self.asked or "main"

    def on_disk(self) -> OnDisk:
        from viper.weights.cache import find_on_disk

        library: Library = self.library or "transformers"
        return find_on_disk(self.repository, self.asked, role=self.role, library=library)


def _wanted(target: str, roles: Sequence[str], revision: str | None) -> list[_Wanted]:
    """Return the repositories that a preset or a repository stands for, each once.

    Raises:
        ConfigError: There is no such preset or role, or the preset needs no weights.
    """
    from viper.engine.presets import load_presets
    from viper.errors import ConfigError, did_you_mean
    from viper.models.registry import parse_role

    presets = load_presets()
    if target not in presets:
        if "/" not in target:
            raise ConfigError(
                f"There is no preset {target!r}. {did_you_mean(target, presets)}Presets: "
                f"{', '.join(presets)}; or give a repository, OWNER/NAME."
            )
        if roles:
            raise ConfigError("--role chooses among the models of a preset, not of a repository.")
        return [_Wanted(target, revision)]
    if revision is not None:
        raise ConfigError("--revision is for a repository; a preset names its revisions itself.")
    preset = presets[target]
    if preset.first_of:
        preset = presets[preset.first_of[0]]
    if not preset.models:
        raise ConfigError(f"The preset {target!r} needs no weights from the hub.")
    chosen = {parse_role(name) for name in roles}
    for role in chosen - {model.role for model in preset.models}:
        raise ConfigError(f"The preset {target!r} has no model for the role {role!r}.")
    found = {
        model.repository: _Wanted(model.repository, model.revision, model.role)
        for model in preset.models
        if not chosen or model.role in chosen
    }
    return list(found.values())


def _forget_revisions(repository: str) -> None:
    """Let the hub's library delete what it keeps outside of the repository's own folder."""
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
