"""The voice book: who agreed to be recognised, as embeddings in one file; no audio."""

from speaksep_kernel.voices.book.changes import Receipt, forget, rename, was_forgotten
from speaksep_kernel.voices.book.exchange import export_voices, import_voices
from speaksep_kernel.voices.book.file import changing, enrolled_voices, read_book
from speaksep_kernel.voices.book.places import Books, book_path, book_paths
from speaksep_kernel.voices.book.values import Sample, Voice, centroid, joined

__all__ = [
    "Books",
    "Receipt",
    "Sample",
    "Voice",
    "book_path",
    "book_paths",
    "centroid",
    "changing",
    "enrolled_voices",
    "export_voices",
    "forget",
    "import_voices",
    "joined",
    "read_book",
    "rename",
    "was_forgotten",
]
