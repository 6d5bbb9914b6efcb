export * from "./gen/useradmin/v1/errors_pb.js";
export * from "./gen/useradmin/v1/user_admin_pb.js";
export { Code } from "./gen/google/rpc/code_pb.js";
export { type Detail, Failure, type Violation } from "./failure.js";
export { repeatHeaders } from "./repeat.js";
export { resultOf } from "./result.js";
