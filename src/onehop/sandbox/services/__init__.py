"""What the code hands to its host besides its value: files, progress, what its session keeps."""

from onehop.sandbox.services._artifacts import Artifacts, ArtifactShelf
from onehop.sandbox.services._names import sniffed
from onehop.sandbox.services._run import RunServices
from onehop.sandbox.services._values import NotKeptError, SessionValues

__all__ = [
    "ArtifactShelf",
    "Artifacts",
    "NotKeptError",
    "RunServices",
    "SessionValues",
    "sniffed",
]
