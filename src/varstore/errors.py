"""Every error varstore raises on purpose.

VarstoreError
├── InputError (ValueError)             a file to be taken in is at fault
│   ├── NotVcfError
│   ├── TruncatedInputError
│   ├── UnsortedInputError
│   ├── ContigLengthError
│   └── FastaError
├── RepositoryError                     the repository is at fault, or its state forbids it
│   ├── RepositoryExistsError (FileExistsError)
│   ├── NotARepositoryError (FileNotFoundError)
│   ├── FormatVersionError
│   ├── CorruptRepositoryError
│   │   ├── MissingFileError
│   │   ├── CorruptManifestError
│   │   └── CorruptChunkError
│   ├── PlanError                       an interrupted or distributed import cannot go on
│   ├── WriteError (OSError)
│   └── ReadOnlyError
└── QueryError                          the question is at fault
    ├── RegionError (ValueError)
    │   └── UnknownContigError (KeyError)
    ├── UnknownSampleError (KeyError)
    │   └── WithdrawnSampleError
    ├── UnknownFilterError (KeyError)
    ├── SampleClashError (ValueError)
    ├── CohortError (ValueError)
    │   └── CohortExpressionError
    ├── TooFewSitesError (ValueError)
    └── MissingDependencyError (ImportError)
"""


class VarstoreError(Exception):
    """Base of all of them; the command line catches this and nothing else."""

    def __str__(self) -> str:
        # KeyError would print the message's repr.
        return str(self.args[0]) if self.args else ""


class InputError(VarstoreError, ValueError):
    """A file cannot be taken in. The message says file, line, what was found and expected."""


class NotVcfError(InputError):
    """The file is neither VCF nor BCF."""


class TruncatedInputError(InputError):
    """The file ends before it should."""


class UnsortedInputError(InputError):
    """Positions go backwards, or a contig comes back.

    paths : the input, or the inputs that are in order only together
    """

    paths: tuple[str, ...] = ()


class RepositoryError(VarstoreError):
    """The repository is at fault, or its state forbids what was asked."""


class RepositoryExistsError(RepositoryError, FileExistsError):
    """There is something at the path already."""


class NotARepositoryError(RepositoryError, FileNotFoundError):
    """There is no repository at the path."""


class FormatVersionError(RepositoryError):
    """Written by a newer varstore: a format version or feature this one does not know."""


class CorruptRepositoryError(RepositoryError):
    """A stored byte is not what was written."""


class MissingFileError(CorruptRepositoryError):
    """A file that the checksums name is gone."""


class CorruptManifestError(CorruptRepositoryError):
    """A manifest, HEAD or varstore.json is damaged."""


class CorruptChunkError(CorruptRepositoryError):
    """A stored chunk is damaged."""


class PlanError(RepositoryError):
    """An import in parts cannot go on: inputs changed, parts are missing or damaged, or another process has it."""


class ContigLengthError(InputError):
    """A contig of an input has another length than in the repository: the file is of another reference build."""


class FastaError(InputError):
    """The FASTA cannot be read, or it is not the one that the repository was made with."""


class WriteError(RepositoryError, OSError):
    """The file system refuses: no room, no permission, a failing disk. The repository is as it was."""


class ReadOnlyError(RepositoryError):
    """A store that varstore did not write can be read, not added to."""


class QueryError(VarstoreError):
    """The question is at fault."""


class RegionError(QueryError, ValueError):
    """A region that cannot be read."""


class UnknownContigError(RegionError, KeyError):
    """A region on a contig that the repository does not have."""


class UnknownSampleError(QueryError, KeyError):
    """A sample that the repository does not have."""


class WithdrawnSampleError(UnknownSampleError):
    """A sample that was withdrawn: it can be asked for in no version, and not be added again."""


class UnknownFilterError(QueryError, KeyError):
    """A filter that no batch has."""


class SampleClashError(QueryError, ValueError):
    """A sample named twice, or already there."""


class CohortError(QueryError, ValueError):
    """A cohort that is empty, of another repository or version, or not there."""


class CohortExpressionError(CohortError):
    """A cohort expression that cannot be read or asked. The message shows where in the text."""


class TooFewSitesError(QueryError, ValueError):
    """The sites cannot carry the answer: too few of them, or too few that are independent."""


class MissingDependencyError(QueryError, ImportError):
    """An optional package is needed for what was asked."""


class DenominatorWarning(UserWarning):
    """An answer over several batches in which people are missing for want of a record, not of a call."""
