"""Life-like data that belong to nobody: schools, people, files, and workbooks to import."""
