"""The floors of the house: imports only go down, and each heavy library has its one room."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "lookalike"

# Lowest first; a module may import from its own floor's other modules listed earlier, and from floors below.
FLOORS = [
    ["errors", "version", "units", "counting", "ahead", "allocation", "placing", "sqlite"],
    ["images"],
    ["settings", "records", "filters", "kinds", "edits"],
    ["describers"],
    ["taggers"],
    [
        "ssim",
        "duplicates",
        "hashkernel",
        "hashjoin",
        "vectorfile",
        "vectorjoin",
        "metrics",
        "evaluate",
        "keypoints",
        "signals",
        "judgment",
    ],
    ["comparison", "stores", "catalog", "intake", "likeness"],
    [
        "search",
        "upsert",
        "retagging",
        "twins",
        "redescribe",
        "folders",
        "labeled",
        "evaluation",
        "recipes",
        "training",
        "learning",
        "trials",
        "jobs",
    ],
    ["checking", "deduplication", "erasure", "transfer", "atlas", "cleaning", "removed", "jobfiles"],
    ["holdings", "collection"],
    ["keeping"],
    ["workspace"],
    ["gallery", "wire", "moving", "belongings", "snapshots"],
    ["lessons", "syncing", "fetching", "charting", "promoting"],
    ["work"],
    ["administration"],
    ["client"],
    ["api", "pages"],
    ["cli"],
]

ROOMS = {
    "httpx": {"client", "cli/replaced"},
    "re2": {"filters/patterns.py"},
    "onnxruntime": {"describers/neural.py", "training/export.py"},
    "torch": {"training", "learning/finetune.py", "learning/late.py", "learning/objectives.py"},
    "qdrant_edge": {"stores/edge.py", "stores/edge_conditions.py", "stores/engine.py", "stores/shards.py"},
    "qdrant_client": {"stores/qdrant.py", "stores/cluster.py"},
    "sqlalchemy": {"catalog", "folders"},
    "psycopg": {"catalog"},
    "argon2": {"catalog/users.py"},
    "fastapi": {"api", "pages"},
    "starlette": {"api", "pages"},
    "cv2": {"images", "describers", "edits", "ssim.py", "keypoints.py", "training"}
    | {"folders/alignment.py", "folders/details.py", "folders/differences.py"},
    "threadpoolctl": {"images/threads.py"},
    "PIL": {"images", "describers", "edits", "gallery.py", "training", "cli/doctor.py", "atlas/drawing.py"}
    | {"cleaning/told.py", "cleaning/exposure.py"}  # what files say of themselves, beside their pixels
    | {"folders/frames.py"},
    "simplejpeg": {"images", "training"},
    "pillow_heif": {"images"},
    "imagecodecs": {"images/jxl.py"},
    "rawpy": {"images/raw.py"},
    "pydicom": {"images/dicom.py"},
    "av": {"images/video.py"},
    "pdqhash": {"describers"},
    "numba": {"hashkernel.py"},
    "sqlite3": {"sqlite.py", "describers/cache.py", "folders"},
    "defusedxml": {"cleaning/xmp.py"},
    "filelock": {"workspace.py", "describers/hub.py", "cleaning/locking.py"},
    "tokenizers": {"describers/text.py"},
    "matplotlib": {"evaluation/plots.py", "recipes/drawing.py"},
    "ipywidgets": {"recipes/widget.py"},
    "openTSNE": {"atlas/layout.py"},
    "typer": {"cli"},
    "rich": {"cli"},
    "uvicorn": {"cli/serve.py", "cli/reviewing.py"},
    "prometheus_client": {"api/metrics.py"},
    "jinja2": {"evaluation/page.py", "cleaning/report.py", "pages"},
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            names.append(node.module)
            if node.module == "lookalike":
                names += [f"lookalike.{alias.name}" for alias in node.names]
    return names


def floor(module: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if module in rooms)


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_only_go_down(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return  # the public face looks at every floor
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "lookalike" and len(parts) > 1 and parts[1] != room:
            assert floor(parts[1]) <= floor(room), f"{room} imports {name}, which is above it"


def test_floors_have_no_circles():
    seen: dict[str, set[str]] = {}
    for path in modules():
        room = room_of(path)
        if room not in ("__init__", "__main__"):
            others = {name.split(".")[1] for name in imported(path) if name.startswith("lookalike.")}
            seen.setdefault(room, set()).update(others - {room})

    def reaches(start: str, goal: str, visited: set[str]) -> bool:
        visited.add(start)
        return any(
            other == goal or (other not in visited and reaches(other, goal, visited)) for other in seen.get(start, ())
        )

    assert [room for room in seen if reaches(room, room, set())] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_each_heavy_library_has_its_room(path):
    here = path.relative_to(SOURCE).as_posix()
    for name in imported(path):
        rooms = ROOMS.get(name.split(".")[0])
        if rooms is not None:
            assert any(here == room or here.startswith(room + "/") for room in rooms), f"{here} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_files_stay_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400
