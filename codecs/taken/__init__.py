"""When and where photos and videos of others were taken, by what is written in them."""

from .movie import read_movie
from .photo import HEAD_BYTES, read_photo
from .values import Taken

__all__ = ["HEAD_BYTES", "Taken", "read_movie", "read_photo"]
