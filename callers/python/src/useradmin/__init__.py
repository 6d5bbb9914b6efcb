"""Calls the gRPC service useradmin.v1.UserAdmin: what its answers and errors mean; its stubs are in useradmin.v1."""

from useradmin.failure import DOMAIN, Failure, FieldViolation, Outcome
from useradmin.result import result_of

__all__ = ["DOMAIN", "Failure", "FieldViolation", "Outcome", "result_of"]
