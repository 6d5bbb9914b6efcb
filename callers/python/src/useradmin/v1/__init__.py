"""The stubs of the package useradmin.v1, generated: user_admin_pb2, user_admin_pb2_grpc and errors_pb2."""
