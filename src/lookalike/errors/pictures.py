"""Pictures and folders that can't be used."""

from __future__ import annotations

from collections.abc import Iterable

from lookalike.errors.base import LookalikeError

__all__ = [
    "FolderError",
    "FolderNotFound",
    "ImageError",
    "ImageTooLarge",
    "ImageUnreadable",
    "NoImagesFound",
    "SourceNotFound",
    "UrlRefused",
    "UrlUnreachable",
]


class ImageError(LookalikeError):
    """One picture can't be used. `source` names it; `reason` is the short cause for lists."""

    code = "image_error"

    def __init__(self, source: str, reason: str, advice: str = "") -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}.{' ' + advice if advice else ''}")


class SourceNotFound(ImageError):
    """There is nothing where the source points."""

    code = "source_not_found"

    def __init__(self, source: str, reason: str = "no such file") -> None:
        super().__init__(source, reason, "Give a path, a URL, bytes, base64, a data URI, a PIL image or an array.")


class ImageUnreadable(ImageError):
    """The bytes are not a picture in a format we decode, or they are damaged."""

    code = "image_unreadable"


class ImageTooLarge(ImageError):
    """The picture is over a limit; nothing was decoded. `unit` is "pixels" or "bytes"."""

    code = "image_too_large"

    def __init__(self, source: str, *, size: int, limit: int, unit: str) -> None:
        self.size, self.limit, self.unit = size, limit, unit
        reason = f"{size:,} {unit}, over the limit of {limit:,}"
        super().__init__(source, reason, f"Resize it, or raise the limit (LOOKALIKE_MAX_{unit.upper()}).")


class UrlRefused(ImageError):
    """The URL is not one that is fetched: its scheme, its host, or where its host lies. Nothing was asked of it."""

    code = "url_refused"


class UrlUnreachable(ImageError):
    """Nothing usable came from the URL: no such host, no answer in time, another status than 200."""

    code = "url_unreachable"


class FolderError(LookalikeError):
    """A folder can't be walked."""

    code = "folder_error"

    def __init__(self, folder: str, sentence: str) -> None:
        self.folder = folder
        super().__init__(sentence)


class FolderNotFound(FolderError):
    """The path is no folder."""

    code = "folder_not_found"

    def __init__(self, folder: str) -> None:
        super().__init__(folder, f"{folder} is not a folder. Check the path.")


class NoImagesFound(FolderError):
    """The folder holds nothing that looks like a picture."""

    code = "no_images_found"

    def __init__(self, folder: str, files: int, extensions: Iterable[str] = ()) -> None:
        self.files = files
        known = ", ".join(sorted(extensions))
        what = "is empty" if files == 0 else f"holds {files:,} files but no pictures"
        super().__init__(folder, f"{folder} {what}. Pictures are files ending in {known}.")
