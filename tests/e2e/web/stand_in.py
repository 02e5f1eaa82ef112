"""The page with an imitation of the HTTP interface behind it: no models, no Ray, cheap effects.

    python tests/e2e/web/stand_in.py --port 8099

Answers have the shapes and the problem documents of ``/v1``, so the page can be designed and tested by itself. Pictures
come from ``MASQUERADE_DATA`` where it is set; without it they are drawn.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
from pathlib import Path
from typing import Annotated, Any

import cv2
import dlib
import numpy as np
import numpy.typing as npt
import uvicorn
from fastapi import FastAPI, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
KNOWN: dict[bytes, list[Box]] = {}

WEB = Path(__file__).parents[3] / "serve_app" / "web"
DATA = Path(os.environ["MASQUERADE_DATA"]) if "MASQUERADE_DATA" in os.environ else None
MAX_BYTES = 20 * 2**20
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

STYLES = {
    "starry_night": ("The Starry Night", "Vincent van Gogh", "1889", (150, 90, 30)),
    "the_scream": ("The Scream", "Edvard Munch", "1893", (40, 110, 220)),
    "wave": ("The Great Wave off Kanagawa", "Katsushika Hokusai", "1831", (170, 160, 120)),
    "composition_vii": ("Composition VII", "Wassily Kandinsky", "1913", (70, 130, 190)),
    "udnie": ("Udnie", "Francis Picabia", "1913", (60, 90, 120)),
}
PEOPLE = {"Tom_Hanks": "actor", "Hugh_Jackman": "actor", "Robert_Downey_Jr": "actor", "Hugh_Laurie": "actor",
          "Tina_Fey": "writer"}  # fmt: skip

app = FastAPI(title="Masquerade (stand-in)")


class Refusal(Exception):
    """A problem document."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail = status, slug, detail


@app.exception_handler(Refusal)
async def _problem(_: Request, refusal: Refusal) -> JSONResponse:
    body = {"type": f"urn:masquerade:problem:{refusal.slug}", "title": refusal.slug, "status": refusal.status,
            "detail": refusal.detail}  # fmt: skip
    return JSONResponse(body, refusal.status, media_type="application/problem+json")


@app.middleware("http")
async def _harden(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers["Cache-Control"] = "no-store"
    return response


async def opened(upload: UploadFile) -> Pixels:
    """Upload to pixels [H, W, 3] BGR, orientation applied."""
    data = await upload.read()
    if len(data) > MAX_BYTES:
        raise Refusal(413, "too-large", "The picture is over 20 MiB.")
    if not data.startswith(SIGNATURES):
        raise Refusal(415, "not-an-image", "This is not a JPEG, PNG or WebP picture.")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise Refusal(422, "undecodable", "The picture is damaged.")
    return pixels.astype(np.uint8, copy=False)


def picture(pixels: Pixels, model: str) -> Response:
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return Response(data, media_type="image/jpeg", headers={"X-Model": model})


def painting(name: str) -> Pixels:
    """A square of the painting, or of drawn strokes in its colour."""
    if DATA is not None and (file := DATA / "styles" / f"{name}.jpg").exists():
        pixels = cv2.imread(str(file))
        side = min(pixels.shape[:2])
        top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
        return cv2.resize(pixels[top : top + side, left : left + side], (240, 240), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(len(name)).normal(0, 60, (30, 30, 3))
    return cv2.resize(
        np.clip(noise + STYLES[name][3], 0, 255).astype(np.uint8), (240, 240), interpolation=cv2.INTER_CUBIC
    )


def repainted(pixels: Pixels, name: str) -> Pixels:
    """The photo in the painting's colours (Lab statistics) with soft edges."""
    lab = cv2.cvtColor(cv2.bilateralFilter(pixels, 9, 60, 7), cv2.COLOR_BGR2LAB).astype(np.float32)
    goal = cv2.cvtColor(painting(name), cv2.COLOR_BGR2LAB).astype(np.float32)
    scale = goal.std((0, 1)) / np.maximum(lab.std((0, 1)), 1)
    moved = (lab - lab.mean((0, 1))) * scale + goal.mean((0, 1))
    return cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR)


def boxes(pixels: Pixels) -> list[Box]:
    """Faces left to right by dlib's HOG detector, which needs no model file. The tests ask for the same few photos."""
    key = hashlib.sha256(pixels).digest()
    if key not in KNOWN:
        found = dlib.get_frontal_face_detector()(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), 0)
        height, width = pixels.shape[:2]
        edges = [(max(0, f.left()), max(0, f.top()), min(width, f.right()), min(height, f.bottom())) for f in found]
        KNOWN[key] = sorted(edges, key=lambda box: box[0] + box[2])
    return KNOWN[key]


def faces_of(pixels: Pixels) -> list[Box]:
    found = boxes(pixels)
    if not found:
        raise Refusal(422, "no-face", "No face was found in the photo.")
    return found


@app.get("/v1/styles")
async def styles() -> dict[str, Any]:
    entries = [
        {"name": name, "title": title, "artist": artist, "year": year, "licence": "public domain",
         "preview": f"/v1/styles/{name}/preview.jpg"}
        for name, (title, artist, year, _) in STYLES.items()
    ]  # fmt: skip
    return {"styles": entries, "model": "style-lean@stand-in"}


@app.get("/v1/styles/{name}/preview.jpg")
async def preview(name: str) -> Response:
    return picture(painting(name), "style-lean@stand-in")


@app.post("/v1/style")
async def style(
    image: UploadFile, style: Annotated[list[str], Form()] = [], strength: Annotated[float, Form()] = 1.0,
    preserve_color: Annotated[bool, Form()] = False, style_image: UploadFile | None = None,
) -> Response:  # fmt: skip
    photo = await opened(image)
    if style_image is not None:
        mean = (await opened(style_image)).mean((0, 1))
        return picture((0.5 * photo + 0.5 * mean).astype(np.uint8), "style-lean@stand-in")
    painted = np.zeros(photo.shape, np.float32)
    for entry in style:
        name, _, weight = entry.partition(":")
        if name not in STYLES:
            raise Refusal(404, "unknown-style", f"There is no style {name!r}.")
        painted += float(weight or 1) * repainted(photo, name)
    mixed = np.clip(strength * painted + (1 - strength) * photo, 0, 255).astype(np.uint8)
    if preserve_color:
        light = cv2.cvtColor(mixed, cv2.COLOR_BGR2LAB)[:, :, :1]
        mixed = cv2.cvtColor(np.dstack([light, cv2.cvtColor(photo, cv2.COLOR_BGR2LAB)[:, :, 1:]]), cv2.COLOR_LAB2BGR)
    return picture(mixed, "style-lean@stand-in")


@app.post("/v1/faces")
async def faces(image: UploadFile) -> dict[str, Any]:
    photo = await opened(image)
    return {"faces": [{"box": box, "landmarks": [], "score": 0.9} for box in boxes(photo)], "model": "faces@stand-in"}


@app.post("/v1/lookalike")
async def lookalike(image: UploadFile, top: Annotated[int, Form()] = 3) -> dict[str, Any]:
    found = faces_of(await opened(image))
    people = list(PEOPLE.items())

    def matches(face: int) -> list[dict[str, Any]]:
        turned = people[face % len(people) :] + people[: face % len(people)]
        return [
            {"name": name.replace("_", " "), "similarity": 97.4 - 6.3 * rank - 2.1 * face, "image": f"/v1/gallery/{name}",
             "role": role, "link": None, "attribution": "drawn for this stand-in"}
            for rank, (name, role) in enumerate(turned[:top])
        ]  # fmt: skip

    entries = [{"box": box, "matches": matches(index)} for index, box in enumerate(found)]
    method = "Per cent of the people in the gallery who look less alike than this one."
    return {"faces": entries, "gallery": "starter@stand-in", "model": "faces@stand-in", "method": method}


@app.get("/v1/gallery/{name}")
async def portrait(name: str) -> Response:
    if DATA is not None and (files := sorted((DATA / "faces_celeb" / name).glob("*"))):
        return picture(cv2.imread(str(files[0])), "starter@stand-in")
    drawn = np.full((112, 112, 3), (120, 150, 190), np.uint8)
    cv2.circle(drawn, (56, 56), 34, (40, 50, 70), -1)
    return picture(drawn, "starter@stand-in")


@app.post("/v1/swap")
async def swap(source: UploadFile, target: UploadFile, mapping: Annotated[str, Form()]) -> Response:
    giver, taker = await opened(source), await opened(target)
    givers, takers = faces_of(giver), faces_of(taker)
    for pair in mapping.split(","):
        a, b = (int(number) for number in pair.split(":"))
        (ax0, ay0, ax1, ay1), (x0, y0, x1, y1) = givers[a], takers[b]
        patch = cv2.resize(giver[ay0:ay1, ax0:ax1], (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
        mask = np.zeros(patch.shape, np.uint8)
        cv2.ellipse(
            mask, ((x1 - x0) // 2, (y1 - y0) // 2), ((x1 - x0) // 3, (y1 - y0) * 2 // 5), 0, 0, 360, (255,) * 3, -1
        )
        taker = cv2.seamlessClone(patch, taker, mask, ((x0 + x1) // 2, (y0 + y1) // 2), cv2.NORMAL_CLONE)
    return picture(taker, "swap@stand-in")


@app.post("/v1/anonymize")
async def anonymize(image: UploadFile, method: Annotated[str, Form()], keep: Annotated[str, Form()] = "") -> Response:
    photo = await opened(image)
    kept = {int(number) for number in keep.split(",") if number}
    for index, (x0, y0, x1, y1) in enumerate(faces_of(photo)):
        if index in kept:
            continue
        face = photo[y0:y1, x0:x1]
        small = cv2.resize(face, (9, 9), interpolation=cv2.INTER_AREA)
        smooth = cv2.INTER_NEAREST if method == "pixelate" else cv2.INTER_CUBIC
        photo[y0:y1, x0:x1] = cv2.resize(small, (x1 - x0, y1 - y0), interpolation=smooth)
    return picture(photo, "faces@stand-in")


@app.post("/v1/authenticity")
async def authenticity(image: UploadFile) -> dict[str, Any]:
    photo = await opened(image)
    probability = float(np.clip(1 - cv2.Laplacian(photo, cv2.CV_64F).std() / 60, 0.02, 0.98))
    verdict = "ai" if probability > 0.7 else "real" if probability < 0.3 else "unsure"
    return {"verdict": verdict, "probability_ai": probability, "unsure": [0.3, 0.7], "model": "authenticity@stand-in"}


@app.get("/v1/samples")
async def samples() -> dict[str, Any]:
    return {"samples": [{"name": n, "title": n.title(), "image": f"/v1/samples/{n}.jpg"} for n in sample_files()]}


@app.get("/v1/samples/{name}.jpg")
async def sample(name: str) -> Response:
    return picture(cv2.imread(str(sample_files()[name])), "samples@stand-in")


def sample_files() -> dict[str, Path]:
    """Photos with faces that come with installed packages."""
    import insightface
    import skimage

    files = {
        "friends": Path(insightface.__file__).parent / "data" / "images" / "t1.jpg",
        "astronaut": Path(skimage.__file__).parent / "data" / "astronaut.png",
    }
    return {name: file for name, file in files.items() if file.exists()}


@app.get("/readyz")
async def readyz() -> dict[str, Any]:
    return {"ready": True, "capabilities": {}}


app.mount("/", StaticFiles(directory=WEB, html=True), name="page")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    cv2.setNumThreads(1)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])


if __name__ == "__main__":
    main()
