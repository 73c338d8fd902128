"""Pictures and folders that can't be used."""

from __future__ import annotations

from collections.abc import Iterable

from lookalike.errors.base import LookalikeError

__all__ = [
    "CleaningError",
    "CleaningLocked",
    "DecoderMissing",
    "DisposalUnavailable",
    "FileChanged",
    "FolderError",
    "FolderNotFound",
    "FolderUnwritable",
    "ImageError",
    "ImageTooLarge",
    "ImageUnreadable",
    "JournalUnreadable",
    "LabelsNotFound",
    "NoImagesFound",
    "PlanNotFound",
    "PlanUnreadable",
    "SidecarUnreadable",
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


class DecoderMissing(ImageUnreadable):
    """The format is one we decode, with an extra that is not installed. `extra` is its name."""

    code = "decoder_missing"

    def __init__(self, source: str, reason: str, extra: str) -> None:
        self.extra = extra
        super().__init__(source, reason)


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
    """A folder can't be walked, or not be written."""

    code = "folder_error"

    def __init__(self, folder: str, sentence: str) -> None:
        self.folder = folder
        super().__init__(sentence)


class FolderNotFound(FolderError):
    """The path is no folder."""

    code = "folder_not_found"

    def __init__(self, folder: str) -> None:
        super().__init__(folder, f"{folder} is not a folder. Check the path.")


class LabelsNotFound(FolderNotFound):
    """There is nothing to learn from or to measure with where the path points. `wanted`: what was expected there."""

    code = "labels_not_found"

    def __init__(self, source: str, wanted: str, reason: str = "nothing is there") -> None:
        self.folder, self.wanted, self.reason = source, wanted, reason
        FolderError.__init__(self, source, f"{source}: {reason}. Expected is {wanted}. Check the path.")


class FolderUnwritable(FolderError):
    """The system refuses to write a folder: the disk is full, or it may not. What was there before is as it was."""

    code = "folder_unwritable"

    def __init__(self, folder: str, reason: str, advice: str = "Make room there, or name another folder.") -> None:
        self.reason = reason
        super().__init__(folder, f"{folder} could not be written: {reason}. Nothing of it was left behind. {advice}")


class NoImagesFound(FolderError):
    """The folder holds nothing that looks like a picture."""

    code = "no_images_found"

    def __init__(self, folder: str, files: int, extensions: Iterable[str] = ()) -> None:
        self.files = files
        known = ", ".join(sorted(extensions))
        what = "is empty" if files == 0 else f"holds {files:,} files but no pictures"
        super().__init__(folder, f"{folder} {what}. Pictures are files ending in {known}.")


class CleaningError(LookalikeError):
    """Copies can't be taken away, or not be put back."""

    code = "cleaning_error"


class PlanUnreadable(CleaningError):
    """No plan, a damaged one, or one of a newer version; nothing was touched."""

    code = "plan_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"The plan {path} can't be used: {reason}. Nothing was touched. Scan again for a new one.")


class PlanNotFound(CleaningError):
    """Nothing was planned, or nothing applied; `what` is "plan" or "journal". plan: id of the one named, if any was."""

    code = "plan_not_found"

    def __init__(self, folder: str, what: str, plan: str = "") -> None:
        self.folder, self.what, self.plan = folder, what, plan
        if plan:
            message = (
                f"There is no {what} of plan {plan} in {folder}: it was not applied yet. Apply it, or name the {what}."
            )
        elif what == "plan":
            message = f"There is no plan in {folder}: nothing was scanned yet. Name the file, or scan first."
        else:
            message = f"There is no {what} in {folder}: nothing was applied yet. Name the plan, or apply it first."
        super().__init__(message)


class JournalUnreadable(CleaningError):
    """What was done can't be read, or can't be written down; without that nothing is done."""

    code = "journal_unreadable"

    def __init__(self, path: str, reason: str, advice: str = "Nothing was done.") -> None:
        self.path, self.reason = path, reason
        super().__init__(f"The journal {path} can't be used: {reason}. {advice}")


class CleaningLocked(CleaningError):
    """Another process applies or undoes a plan."""

    code = "cleaning_locked"

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(f"Another process applies or undoes a plan of {folder}. Wait until it is done, then repeat.")


class DisposalUnavailable(CleaningError):
    """The volume of a file has no trash, or its file system can't share blocks or have hard links."""

    code = "disposal_unavailable"

    def __init__(self, path: str, reason: str, advice: str) -> None:
        self.path, self.reason, self.advice = path, reason, advice
        super().__init__(f"{path}: {reason}. {advice}")


class SidecarUnreadable(CleaningError):
    """A file that should be XMP and isn't, or one that tries to harm its reader; it was left as it is."""

    code = "sidecar_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} can't be read as XMP: {reason}. It was left as it is.")


class FileChanged(CleaningError):
    """A file is not what it was when it was scanned; it was left as it is."""

    code = "file_changed"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} {reason}. It was left as it is.")
