"""Client of the gRPC service useradmin.v1.UserAdmin: what its responses and errors mean; useradmin.v1 has its stubs."""

from useradmin.failure import DOMAIN, REPEAT_METADATA, Failure, Outcome, Violation
from useradmin.result import result_of

__all__ = ["DOMAIN", "REPEAT_METADATA", "Failure", "Outcome", "Violation", "result_of"]
