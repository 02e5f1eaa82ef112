"""What the figures of the face capabilities are made with: ``python -m benchmarks.faces --data ../shared/data``."""
