"""The demo: the sample photos taken through every capability of a running studio, and a page that shows what came of it."""
