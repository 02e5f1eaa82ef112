"""The one place that makes an S3 client, and that puts what an S3 server may answer into words.

Endpoint, region, keys, profile and CA bundle come from where every S3 tool looks for them: ``AWS_ENDPOINT_URL``,
``AWS_DEFAULT_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_CA_BUNDLE``, ``AWS_MAX_ATTEMPTS``, or
the files in ``~/.aws``.
"""

from __future__ import annotations

import ssl
from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as NoConnection
from urllib3.exceptions import HTTPError

FAULTS = (BotoCoreError, ClientError, HTTPError, ConnectionError, TimeoutError, ssl.SSLError)
"""What the client and the network under it raise. A full disk is not among them."""

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0
CONNECTIONS = 16

_LOCK = Lock()


def make_client() -> Any:
    """A client that several threads may share. Nothing is sent yet. Raises ``BotoCoreError`` for unusable settings."""
    config = Config(
        # The addresses every S3-compatible server understands; old signatures, as in forms, are not.
        s3={"addressing_style": "path"},
        signature_version="s3v4",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        # Backs off for everybody on a server that says it is busy.
        retries={"mode": "adaptive"},
        max_pool_connections=CONNECTIONS,
        # Many servers know no trailing checksums. Uploads carry Content-MD5, downloads are held to their sha256.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # A session may not be used by two threads at once, and making one takes a while.
    with _LOCK:
        return _session().client("s3", config=config)


@cache
def _session() -> Any:
    return boto3.session.Session()


def code_of(error: Exception) -> str:
    """The server's own short name for what is wrong, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def is_missing(error: Exception) -> bool:
    """Whether there is no such object."""
    return code_of(error) in {"NoSuchKey", "404", "NotFound"}


def is_taken(error: Exception) -> bool:
    """Whether a conditional write found the object there, or somebody writing it at the same moment."""
    return code_of(error) in {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}


def may_pass(error: Exception) -> bool:
    """Whether trying again later makes sense: the network, or a server that is not itself."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status >= 500 or status in {408, 429}
    return isinstance(error, NoConnection | HTTPClientError | HTTPError | ConnectionError | TimeoutError)


def in_words(error: Exception) -> str:
    """One clause on what went wrong, without a full stop."""
    code = code_of(error)
    if code in {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}:
        return f"denies access ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
    if code == "NoSuchBucket":
        return "does not exist; create the bucket or correct its name"
    if isinstance(error, NoCredentialsError):
        return "wants keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if may_pass(error):
        return f"cannot be reached or does not answer in time ({str(error).rstrip('.')})"
    return f"answers {code or type(error).__name__} ({str(error).rstrip('.')})"
