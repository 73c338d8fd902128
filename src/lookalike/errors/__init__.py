"""Everything Lookalike raises on purpose.

    LookalikeError
    ├── ImageError                    one picture can't be used; the others go on
    │   ├── SourceNotFound            no such file, or a string that is no picture
    │   ├── ImageUnreadable           the bytes are not a picture we can decode
    │   │   └── DecoderMissing        they are, with an extra that is not installed
    │   ├── ImageTooLarge             refused by its size before decoding
    │   ├── UrlRefused                a URL that is not followed, by its form or by where it leads
    │   └── UrlUnreachable            a URL that gave nothing usable in time
    ├── FolderError                   a folder can't be walked, or not be written
    │   ├── FolderNotFound
    │   │   └── LabelsNotFound        labeled pictures, as folders or a table, that are not where they were said to be
    │   ├── FolderUnwritable          the disk is full, or the system refuses
    │   └── NoImagesFound
    ├── CleaningError                 copies can't be taken away, or not be put back
    │   ├── PlanUnreadable            no plan, a damaged one, or one of a newer version
    │   ├── PlanNotFound              nothing was planned or applied yet
    │   ├── JournalUnreadable         what was done can't be read, or not be written on
    │   ├── CleaningLocked            another one is under way
    │   ├── DisposalUnavailable       no trash, or no shared blocks, on this volume
    │   ├── SidecarUnreadable         an XMP file that isn't one, or is hostile
    │   └── FileChanged               one file is not as it was; the others go on
    ├── ModelError                    a describer can't be had
    │   ├── UnknownModel
    │   ├── ModelMissing              its files are not on this machine
    │   ├── ModelUnusable             a file is none that we open, or doesn't say what it needs
    │   ├── FetchFailed               the hub didn't give what was asked for
    │   ├── WeightsCorrupt
    │   ├── NoTextTower               the model knows pictures only
    │   ├── UnknownWords              the model knows no word of a text
    │   ├── ModelMismatch             vectors of different models or versions would meet
    │   ├── TaggerUnusable            a tagger's folder that is missing, altered or of another version
    │   └── TaggerMismatch            a tagger would read vectors of another model
    ├── StoreError                    rows can't be kept or found
    │   ├── ShapeMismatch
    │   ├── UnknownVector
    │   ├── StoreUnreadable
    │   └── StoreFailed               the engine or the disk refused
    ├── WorkspaceError
    │   ├── WorkspaceLocked
    │   ├── WorkspaceUnreadable
    │   ├── CatalogFailed             its database or the disk refused
    │   ├── CollectionNotFound
    │   ├── CollectionExists
    │   ├── CollectionClosed          dropped or closed while it was used
    │   ├── WouldOverwrite            a restore or a backup over something that is there
    │   ├── BackupUnreadable
    │   ├── MoveFailed                a moved collection is not what it was
    │   └── InvalidName
    ├── ImportUnreadable              a file of records that breaks off or is none
    ├── TrialExists                   a collection's trial of this name
    ├── TrialOver                     a trial that was promoted or dropped already
    ├── InvalidRecord                 one record can't be taken; the others go on
    ├── RecordNotFound
    ├── InvalidFilter
    ├── InvalidArgument               a number or a word outside its range
    │   └── SettingFixed              a collection's setting that can't change any more
    ├── AccessDenied                  a missing or wrong key
    ├── NotPermitted                  a key that is right but may not do this
    ├── EntryNotFound                 no such key, user, job, decision or trial
    ├── NameTaken                     a user of this name exists
    ├── TooManyRequests               more than a plan allows just now
    ├── PlanExceeded                  more records than a plan allows
    ├── Overloaded                    a service has too much to do just now
    ├── ServiceUnreachable            a client gets no answer
    ├── ServiceError                  an answer that a client knows no class for
    └── MissingExtra                  an optional part is not installed

Each class is one thing a caller would do differently. `code` is public and permanent: branch on it, never on
the sentence. Facts are fields; sentences say what happened, the limit, and the way out. No HTTP in here.
"""

from __future__ import annotations

from lookalike.errors.base import InvalidArgument, LookalikeError, MissingExtra
from lookalike.errors.collections import (
    BackupUnreadable,
    CatalogFailed,
    CollectionClosed,
    CollectionExists,
    CollectionNotFound,
    ImportUnreadable,
    InvalidFilter,
    InvalidName,
    InvalidRecord,
    MoveFailed,
    RecordNotFound,
    SettingFixed,
    ShapeMismatch,
    StoreError,
    StoreFailed,
    StoreUnreadable,
    TrialExists,
    TrialOver,
    UnknownVector,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceUnreadable,
    WouldOverwrite,
)
from lookalike.errors.models import (
    FetchFailed,
    ModelError,
    ModelMismatch,
    ModelMissing,
    ModelUnusable,
    NoTextTower,
    TaggerMismatch,
    TaggerUnusable,
    UnknownModel,
    UnknownWords,
    WeightsCorrupt,
)
from lookalike.errors.pictures import (
    CleaningError,
    CleaningLocked,
    DecoderMissing,
    DisposalUnavailable,
    FileChanged,
    FolderError,
    FolderNotFound,
    FolderUnwritable,
    ImageError,
    ImageTooLarge,
    ImageUnreadable,
    JournalUnreadable,
    LabelsNotFound,
    NoImagesFound,
    PlanNotFound,
    PlanUnreadable,
    SidecarUnreadable,
    SourceNotFound,
    UrlRefused,
    UrlUnreachable,
)
from lookalike.errors.service import (
    AccessDenied,
    EntryNotFound,
    NameTaken,
    NotPermitted,
    Overloaded,
    PlanExceeded,
    ServiceError,
    ServiceUnreachable,
    TooManyRequests,
)

__all__ = [
    "AccessDenied",
    "BackupUnreadable",
    "CatalogFailed",
    "CleaningError",
    "CleaningLocked",
    "CollectionClosed",
    "CollectionExists",
    "CollectionNotFound",
    "DecoderMissing",
    "DisposalUnavailable",
    "EntryNotFound",
    "FetchFailed",
    "FileChanged",
    "FolderError",
    "FolderNotFound",
    "FolderUnwritable",
    "ImageError",
    "ImageTooLarge",
    "ImageUnreadable",
    "ImportUnreadable",
    "InvalidArgument",
    "InvalidFilter",
    "InvalidName",
    "InvalidRecord",
    "JournalUnreadable",
    "LabelsNotFound",
    "LookalikeError",
    "MissingExtra",
    "ModelError",
    "ModelMismatch",
    "ModelMissing",
    "ModelUnusable",
    "MoveFailed",
    "NameTaken",
    "NoImagesFound",
    "NoTextTower",
    "NotPermitted",
    "Overloaded",
    "PlanExceeded",
    "PlanNotFound",
    "PlanUnreadable",
    "RecordNotFound",
    "ServiceError",
    "ServiceUnreachable",
    "SettingFixed",
    "ShapeMismatch",
    "SidecarUnreadable",
    "SourceNotFound",
    "StoreError",
    "StoreFailed",
    "StoreUnreadable",
    "TaggerMismatch",
    "TaggerUnusable",
    "TooManyRequests",
    "TrialExists",
    "TrialOver",
    "UnknownModel",
    "UnknownVector",
    "UnknownWords",
    "UrlRefused",
    "UrlUnreachable",
    "WeightsCorrupt",
    "WorkspaceError",
    "WorkspaceLocked",
    "WorkspaceUnreadable",
    "WouldOverwrite",
]
