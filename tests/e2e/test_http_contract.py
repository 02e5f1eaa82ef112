"""The HTTP contract on the real graph with the real models: what `curl` gets."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from registry.store import FolderStore
from serve_app.samples import Sample, installed_samples
from tests.eventually import at_last
from tests.png import png
from tests.provenance import provenance_of

from .conftest import Studio

README = Path(__file__).parents[2] / "README.md"
REFUSED = Path(__file__).parents[1] / "unit/deployments/moderation/refused.png"


def jpeg(size: tuple[int, int], mode: str = "RGB", exif: Image.Exif | None = None) -> bytes:
    """A picture with edges and gradients, as photos have."""
    width, height = size
    ramp = np.add.outer(np.arange(height) * 3, np.arange(width) * 2) % 256
    image = Image.fromarray(np.stack([ramp, 255 - ramp, (ramp * 7) % 256], axis=-1).astype(np.uint8))
    if min(size) > 32:
        ImageDraw.Draw(image).ellipse((width // 4, height // 4, width // 2, height // 2), fill=(200, 180, 20))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "JPEG", quality=92, **({"exif": exif} if exif else {}))
    return buffer.getvalue()


def png_bomb() -> bytes:
    """A PNG of a few bytes whose header promises 50,000 x 50,000 pixels."""
    return png(50_000, 50_000, bytes(1000))


@pytest.fixture(scope="module")
def client(studio_url: str) -> Any:
    with httpx.Client(base_url=studio_url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def samples(models_dir: Path) -> dict[str, Sample]:
    return {sample.name: sample for sample in installed_samples(FolderStore(models_dir))}


@pytest.fixture(scope="module")
def portrait(samples: dict[str, Sample]) -> Sample:
    return next(sample for sample in samples.values() if sample.faces == 1)


@pytest.fixture(scope="module")
def group(samples: dict[str, Sample]) -> Sample:
    return max(samples.values(), key=lambda sample: sample.faces)


def paint(client: httpx.Client, photo: bytes, style: str | list[str], **fields: str) -> httpx.Response:
    return client.post("/v1/style", files={"image": ("photo.jpg", photo)}, data={"style": style, **fields})


def pixels(response: httpx.Response) -> np.ndarray[Any, Any]:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB")).astype(float)


def difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(one - other).mean())


def test_a_photo_comes_back_painted_in_every_style_at_its_size(client: httpx.Client, portrait: Sample) -> None:
    original = np.asarray(Image.open(io.BytesIO(portrait.data)).convert("RGB")).astype(float)
    installed = client.get("/v1/styles").json()
    assert installed["model"].startswith("style-fine@")
    styles = [style["name"] for style in installed["styles"]]
    assert {"starry_night", "the_scream", "wave", "composition_vii", "udnie"} <= set(styles)
    painted = {}
    for style in styles:
        response = paint(client, portrait.data, style)
        assert response.headers["x-model"] == installed["model"]
        assert response.headers["x-request-id"]
        painted[style] = pixels(response)
        assert painted[style].shape == original.shape
        assert difference(painted[style], original) > 10
    for one in styles:
        for other in styles:
            assert one == other or difference(painted[one], painted[other]) > 5


def test_a_blend_is_a_third_look(client: httpx.Client, portrait: Sample) -> None:
    one, other = pixels(paint(client, portrait.data, "wave")), pixels(paint(client, portrait.data, "the_scream"))
    both = pixels(paint(client, portrait.data, ["wave:0.5", "the_scream:0.5"]))
    assert difference(both, one) > 4
    assert difference(both, other) > 4


def test_strength_runs_from_the_photo_to_the_painting(client: httpx.Client, portrait: Sample) -> None:
    original = np.asarray(Image.open(io.BytesIO(portrait.data)).convert("RGB")).astype(float)
    away = [
        difference(pixels(paint(client, portrait.data, "wave", strength=str(strength))), original)
        for strength in (0, 0.3, 0.6, 1)
    ]
    assert away[0] == 0
    assert away == sorted(away)


def test_results_say_where_they_come_from(client: httpx.Client, portrait: Sample) -> None:
    provenance = provenance_of(paint(client, portrait.data, "wave").content)
    network, pack = (step.model for step in provenance.steps)
    assert network == client.get("/v1/styles").json()["model"]
    assert pack.startswith("styles-classic-fine@")


def test_a_picture_that_breaks_the_rules_gets_451(client: httpx.Client) -> None:
    response = paint(client, REFUSED.read_bytes(), "wave")
    assert response.status_code == 451
    assert response.json()["type"].endswith(":refused")


def test_a_phone_photo_is_painted_as_a_person_sees_it(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = pixels(paint(client, jpeg((320, 200), exif=exif), "udnie"))
    assert upright.shape[:2] == (320, 200)


@pytest.mark.parametrize(
    ("size", "mode"), [((1, 1), "RGB"), ((800, 8), "RGB"), ((8, 800), "RGB"), ((301, 203), "CMYK"), ((99, 64), "L")]
)
def test_odd_pictures_keep_their_size(client: httpx.Client, size: tuple[int, int], mode: str) -> None:
    assert pixels(paint(client, jpeg(size, mode), "wave")).shape[:2] == (size[1], size[0])


def test_a_sixteen_bit_png_is_painted(client: httpx.Client) -> None:
    buffer = io.BytesIO()
    Image.fromarray((np.add.outer(np.arange(90), np.arange(120)) * 300).astype(np.uint16)).save(buffer, "PNG")
    assert pixels(paint(client, buffer.getvalue(), "wave")).shape[:2] == (90, 120)


def test_a_twelve_megapixel_photo_is_painted_whole(client: httpx.Client) -> None:
    assert pixels(paint(client, jpeg((4000, 3000)), "starry_night")).shape[:2] == (3000, 4000)


BAD = {
    "zero bytes": (b"", 415),
    "a GIF called .jpg": (b"GIF89a\x01\x00\x01\x00\x80\x00\x00", 415),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
    "a PDF": (b"%PDF-1.7\n", 415),
    "HTML": (b"<!doctype html><script>alert(1)</script>", 415),
    "half a JPEG": (jpeg((640, 480))[:9000], 422),
    "a PNG bomb": (png_bomb(), 413),
    "too many bytes": (jpeg((64, 64)) + bytes(21 * 2**20), 413),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_uploads_are_answered_at_once(client: httpx.Client, case: str) -> None:
    photo, status = BAD[case]
    took_s = []
    for _ in range(3):
        began = time.monotonic()
        response = paint(client, photo, "wave")
        took_s.append(time.monotonic() - began)
        assert response.status_code == status
    assert min(took_s) < 1, "what else this machine does adds time, and never takes any away"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status


def test_bad_uploads_leave_no_memory_behind(client: httpx.Client, studio: Studio) -> None:
    def round_of_bad_uploads() -> None:
        for photo, status in BAD.values():
            assert paint(client, photo, "wave").status_code == status

    for _ in range(25):
        round_of_bad_uploads()
    before = studio.resident_mb()
    assert before > 100, "the replicas were found"
    for _ in range(25):
        round_of_bad_uploads()
    assert studio.resident_mb() - before < 60


def test_every_face_of_a_group_is_found(client: httpx.Client, group: Sample) -> None:
    response = client.post("/v1/faces", files={"image": group.data})
    faces = response.json()["faces"]
    assert len(faces) == group.faces
    centres = [(face["box"][0] + face["box"][2]) / 2 for face in faces]
    assert centres == sorted(centres)
    assert re.fullmatch(r"dlib-faces@v\d+", response.headers["x-model"])


def test_authenticity_is_told_with_its_doubts(client: httpx.Client, group: Sample) -> None:
    if client.get("/readyz").json()["capabilities"]["authenticity"] != "ready":
        pytest.skip("this studio has no detector (run: masquerade models pull fingerprint)")
    response = client.post("/v1/authenticity", files={"image": group.data})
    opinion = response.json()
    low, high = opinion["unsure"]
    expected = "real" if opinion["probability_ai"] < low else "ai" if opinion["probability_ai"] > high else "unsure"
    assert opinion["verdict"] == expected
    assert response.headers["x-model"] == opinion["model"]


def test_every_face_of_a_group_has_its_lookalikes(client: httpx.Client, group: Sample) -> None:
    document = client.post("/v1/lookalike", files={"image": group.data}, data={"top": "2"}).json()
    assert len(document["faces"]) == group.faces
    for face in document["faces"]:
        assert all(0 < match["similarity"] < 100 for match in face["matches"])
        portrait = client.get(face["matches"][0]["image"])
        assert Image.open(io.BytesIO(portrait.content)).size[0] > 60


def test_a_collage_is_asked_for_with_accept(client: httpx.Client, portrait: Sample) -> None:
    response = client.post("/v1/lookalike", files={"image": portrait.data}, headers={"Accept": "image/jpeg"})
    assert pixels(response).shape[1] > 600


def test_a_face_is_swapped_and_the_rest_of_the_picture_stays(
    client: httpx.Client, portrait: Sample, group: Sample
) -> None:
    before = np.asarray(Image.open(io.BytesIO(group.data)).convert("RGB")).astype(float)
    faces = client.post("/v1/faces", files={"image": group.data}).json()["faces"]
    frontal = min(range(len(faces)), key=lambda number: abs(faces[number]["yaw"]))
    files = {"source": portrait.data, "target": group.data}
    after = pixels(client.post("/v1/swap", files=files, data={"mapping": f"0:{frontal}"}))
    assert after.shape == before.shape
    left, top, right, bottom = (int(edge) for edge in faces[frontal]["box"])
    assert difference(after[top:bottom, left:right], before[top:bottom, left:right]) > 4
    other = next(face for number, face in enumerate(faces) if abs(number - frontal) > 1)
    left, top, right, bottom = (int(edge) for edge in other["box"])
    assert difference(after[top:bottom, left:right], before[top:bottom, left:right]) < 3


@pytest.mark.parametrize("method", ["blur", "pixelate", "replace"])
def test_hidden_faces_are_no_longer_found_or_known(client: httpx.Client, group: Sample, method: str) -> None:
    hidden = client.post("/v1/anonymize", files={"image": group.data}, data={"method": method, "keep": "0"})
    before = np.asarray(Image.open(io.BytesIO(group.data)).convert("RGB")).astype(float)
    after = pixels(hidden)
    faces = client.post("/v1/faces", files={"image": group.data}).json()["faces"]
    for number, face in enumerate(faces):
        left, top, right, bottom = (max(0, int(edge)) for edge in face["box"])
        changed = difference(after[top:bottom, left:right], before[top:bottom, left:right])
        assert changed < 3 if number == 0 else changed > 6


def test_a_job_ends_in_the_picture_the_route_gives(client: httpx.Client, portrait: Sample) -> None:
    job = client.post("/v1/jobs", files={"image": portrait.data}, data={"kind": "style", "style": "udnie"}).json()
    at_last(lambda: client.get(f"/v1/jobs/{job['id']}").json()["state"] not in {"queued", "running"}, 60)
    result = pixels(client.get(f"/v1/jobs/{job['id']}/result"))
    assert difference(result, pixels(paint(client, portrait.data, "udnie"))) == 0
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204


def test_the_studio_says_what_serves(client: httpx.Client) -> None:
    ready = client.get("/readyz").json()
    assert ready["ready"] is True
    models = {entry["model"]: entry for entry in client.get("/v1/models").json()["models"]}
    assert models["style-fine"]["serves"] == "style"
    assert models["open-nsfw"]["serves"] == "moderation"
    assert models["dlib-faces"]["commercial_use"] is False


def test_there_are_photos_to_try_it_with(client: httpx.Client, portrait: Sample) -> None:
    samples = client.get("/v1/samples").json()["samples"]
    by_name = {sample["name"]: client.get(sample["image"]).content for sample in samples}
    assert by_name[portrait.name] == portrait.data
    assert client.get("/v1/samples/nobody").status_code == 404


def test_the_calls_in_the_readme_are_answered(studio_url: str, portrait: Sample, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed (Debian: apt install curl)")
    (tmp_path / "any-picture.jpg").write_bytes(portrait.data)
    calls = re.findall(r"^curl .*", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(calls) > 10
    for call in calls:
        if "first a model" not in call:
            # Only the answer's status is of interest, and the picture where one is named.
            asked = call.replace("curl ", "curl -sS --fail-with-body ").replace("http://127.0.0.1:8000", studio_url)
            ran = subprocess.run(["sh", "-ec", asked], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, f"{call}: {ran.stdout}{ran.stderr}"
            for name in re.findall(r"-o (\S+\.jpg)", call):
                Image.open(tmp_path / name).load()


def test_there_is_one_request_id(client: httpx.Client) -> None:
    response = client.get("/healthz", headers={"X-Request-Id": "mine-7"})
    assert response.headers.get_list("x-request-id") == ["mine-7"]


def test_every_deployment_of_the_running_studio_reports(client: httpx.Client, portrait: Sample) -> None:
    painted = paint(client, portrait.data, "wave")
    deadline = time.monotonic() + 60
    while True:
        rows = {entry["name"]: entry for entry in client.get("/v1/status").json()["deployments"]}
        # Ray pushes metrics every ten seconds.
        if rows["Style"]["p95_ms"] is not None:
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert {"Gateway", "Moderation", "Style", "Faces"} <= set(rows)
    assert {(entry["status"], entry["replicas"]) for entry in rows.values()} == {("healthy", 1)}
    assert rows["Style"]["model"] in painted.headers["X-Model"]
