"""Every notebook runs from top to bottom, finds what it says it finds, and is kept without its outputs."""

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER, DATA = ROOT / "notebooks", ROOT.parent / "shared" / "data"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
LABELS, EACH = 20, 7

# What must hold once a notebook has run, in its own words; the bars are those of the recipes that they stand in for.
HOLDS = {
    "00_webcam": "assert feature.shape == (512,); assert itself < 1e-3; assert Path(nearest) == references[0]",
    "01_training_and_evaluation": "assert median_rank <= 15; assert found.after.recall_at_1.value >= 0.5; "
    "assert found.after.recall_at_1.value >= found.before.recall_at_1.value",
    "02_state_of_the_art": "assert runs['full'].gear == 'full'; assert max(first for first, _ in rows.values()) >= 0.7",
    "03_hyperparameters": "assert grid[0].max() <= 15; assert by_side[0] >= by_side[2]; assert len(results) == 4",
    "04_fast_retrieval": "assert recall > 0.9; assert line.recall.value > 0.9; assert first > 0.9",
    "05_duplicates": "assert precision > 0.9; assert recall > 0.9; "
    "assert len(kept) < len(after); assert before == after",
    "06_from_an_old_service": "assert found['answer_records'][0]['_id'] == records[0]['_id']; "
    "assert imported.inserted == len(records); assert len(same) == len(matches) == 3",
}


@pytest.fixture(scope="module")
def labeled(tmp_path_factory):
    """A folder of real pictures by product, or None where there are none beside the checkout."""
    if not DATA.is_dir():
        return None
    folder = tmp_path_factory.mktemp("labeled")
    taken = Counter()
    with zipfile.ZipFile(DATA / "train-grocery-even-128.zip") as archive:
        for row in csv.DictReader(io.TextIOWrapper(archive.open("labels.csv"), "utf-8", newline="")):
            label = f"product-{row['label']}"
            taken[label] += 1
            if taken[label] <= EACH and len(taken) <= LABELS:
                (folder / label).mkdir(exist_ok=True)
                (folder / label / row["file"]).write_bytes(archive.read(row["file"]))
    return folder


def test_every_notebook_is_tested():
    assert sorted(HOLDS) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs(name):
    cells = nbformat.read(FOLDER / f"{name}.ipynb", 4).cells
    assert not [
        cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count") or cell.get("attachments")
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the libraries that run notebooks
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(name, labeled, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    if name in ("02_state_of_the_art", "03_hyperparameters"):
        pytest.importorskip("torch", reason="fine-tuning needs the extra train")
    environment = {"TMPDIR": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython"), "LOOKALIKE_CAMERA": "-1"}
    environment["XDG_DATA_HOME"] = str(tmp_path / "data")  # where plans and what is known of files are kept
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    if labeled:
        monkeypatch.setenv("LOOKALIKE_PICTURES", str(labeled))
    else:
        pytest.importorskip("skimage", reason="without shared/data the pictures are those of the extra demo")
        monkeypatch.delenv("LOOKALIKE_PICTURES", raising=False)
    book = nbformat.read(FOLDER / f"{name}.ipynb", 4)
    book.cells.append(nbformat.v4.new_code_cell(HOLDS[name]))
    NotebookClient(book, timeout=1800, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
