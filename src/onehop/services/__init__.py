"""What the code hands to its host besides its value: files, progress, what its session keeps."""

from onehop.services._artifacts import Artifacts, ArtifactShelf
from onehop.services._names import sniffed
from onehop.services._run import RunServices
from onehop.services._values import NotKeptError, SessionValues

__all__ = [
    "ArtifactShelf",
    "Artifacts",
    "NotKeptError",
    "RunServices",
    "SessionValues",
    "sniffed",
]
