"""The operator's figures, as text and as plots."""
