"""A protoc plugin that makes gRPC stubs with grpcio-tools, which has its generator built in and ships no plugin."""

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
response = plugin_pb2.CodeGeneratorResponse(supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
with tempfile.TemporaryDirectory() as folder:
    descriptors = Path(folder, "descriptors.binpb")
    descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
    out = Path(folder, "out")
    out.mkdir()
    command = ["protoc", f"--descriptor_set_in={descriptors}", f"--grpc_python_out={request.parameter}:{out}"]
    if protoc.main([*command, *request.file_to_generate]) != 0:
        response.error = "grpcio-tools could not generate the gRPC stubs"
    for path in sorted(out.rglob("*.py")):
        response.file.add(name=path.relative_to(out).as_posix(), content=path.read_text(encoding="utf-8"))
sys.stdout.buffer.write(response.SerializeToString())
