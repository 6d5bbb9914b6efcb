/**
 * Reads the responses and errors of the gRPC service {@code useradmin.v1.UserAdmin}; its stubs are in {@link
 * internal.cognito.useradmin.v1}.
 */
package internal.cognito.useradmin;
