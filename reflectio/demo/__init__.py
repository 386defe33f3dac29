"""``reflectio demo``: fitted models out to documents, and back in another process, with what it takes."""
