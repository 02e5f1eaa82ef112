"""What serves every engine alike: queues and batches, versions on trial, load and metrics."""
