"""The durable job ledger: what was promised to whom, and how far it got."""
