/**
 * The header that marks a call as a repeat. Send it whenever you send the same call again yourself, so that the service
 * treats the repeat and the first sending as one call.
 *
 * With @connectrpc/connect pass it as `headers`, with @grpc/grpc-js as `Metadata.fromHttp2Headers(repeatHeaders)`.
 */
export const repeatHeaders = Object.freeze({ "x-useradmin-repeat": "1" });
