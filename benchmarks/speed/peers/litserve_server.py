"""LitServe with a worker for each core.

LitServe looks at the annotations of ``decode_request`` to tell forms from JSON, and so they are not postponed here.
"""

import os
import sys

import litserve
from fastapi import Request, Response

from benchmarks.speed.peers.job import PaintingJob


class Painting(litserve.LitAPI):
    """Decodes a form, paints, answers with a JPEG."""

    def setup(self, device: str) -> None:
        self.job = PaintingJob()

    def decode_request(self, request: Request) -> tuple[bytes, str]:
        # By now it is the form of the request.
        return request["image"].file.read(), str(request["style"])

    def predict(self, inputs: tuple[bytes, str]) -> bytes:
        return self.job(*inputs)

    def encode_response(self, output: bytes) -> Response:
        return Response(output, media_type="image/jpeg")


if __name__ == "__main__":
    server = litserve.LitServer(
        Painting(api_path="/v1/style"), accelerator="cpu", workers_per_device=os.cpu_count() or 1, timeout=60
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
