"""The notebook in examples/ runs from its first cell to its last, and its values show themselves."""

from __future__ import annotations

import warnings
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tour.ipynb"


def html_of(cell):
    (shown,) = [out for out in cell.outputs if out.output_type == "execute_result"]
    return shown.data["text/html"]


# One test, so that the notebook runs once however tests are shared out.
def test_the_notebook_runs_and_shows_its_answers_patches_and_traces():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear the outputs"
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the clients of Jupyter warn of each other
        NotebookClient(notebook, timeout=90, resources=folder).execute()
    answer, _, patch, trace, grounding, failure, watched, saved, _ = [
        cell for cell in notebook.cells if cell.cell_type == "code"
    ]
    assert ">5</div>" in html_of(answer)
    assert "data:image/" in html_of(answer)
    assert "<rect" in html_of(answer)
    assert "<figcaption>" in html_of(patch)
    assert "verify_property" in html_of(trace)
    rejected = html_of(grounding).count(", rejected</title>")  # the other cubes
    assert rejected > 0
    assert html_of(grounding).count("<rect") == 1 + rejected
    assert "No answer (runtime)" in html_of(failure)
    printed = "".join(out.text for out in watched.outputs if out.output_type == "stream")
    assert "ImagePatch.find" in printed
    (listed,) = [out for out in saved.outputs if out.output_type == "execute_result"]
    assert listed.data["text/plain"] == "[('run.html', True), ('run.json', True)]"
