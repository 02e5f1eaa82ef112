"""Where API keys are remembered."""

from __future__ import annotations

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.database import Base


class ApiKey(Base):
    """One key, without what makes it one: ``digest`` is the SHA-256 of its secret. Times are Unix seconds."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    per_minute: Mapped[int]
    burst: Mapped[int]
    created: Mapped[float]
    used: Mapped[float | None]
    revoked: Mapped[float | None]
