package internal.cognito.useradmin;

/**
 * One thing that is wrong with a request, from {@code google.rpc.BadRequest}.
 *
 * @param field the field as in the proto, for example {@code username} or {@code client_metadata["k"]}
 * @param reason the reason for programs, for example {@code TOO_LONG}
 * @param description the reason for people; may be empty
 */
public record Violation(String field, String reason, String description) {}
