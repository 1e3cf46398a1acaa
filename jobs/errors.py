"""What a job ends with: each exception carries the exit code that schedulers rely on."""


class JobError(Exception):
    """Anything else that a job refuses to go on with."""

    exit_code = 1


class UsageError(JobError):
    """The command line does not make sense."""

    exit_code = 2


class ContractBroken(JobError):
    """Data broke its contract; nothing was published."""

    exit_code = 3


class OutsideUnavailable(JobError):
    """Something outside is not available now; the same command is safe to run again."""

    exit_code = 4


class GateNotPassed(JobError):
    """A gate was not passed, or there is no approved model."""

    exit_code = 5


class NoChampion(GateNotPassed):
    """Nobody has promoted a model yet."""


class NoRegistry(UsageError):
    """No model registry is configured, and the lake cannot keep one."""
