"""Any picture as a style: a small network that reads a picture and says which vector paints like it."""
