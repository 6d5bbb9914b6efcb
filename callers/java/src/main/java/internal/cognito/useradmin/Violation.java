package internal.cognito.useradmin;

/**
 * One thing that is wrong with a request, from {@code google.rpc.BadRequest}.
 *
 * @param field the field as in the schema, for example {@code username} or {@code client_metadata["key"]}
 * @param reason why, for programs: for example {@code REQUIRED} or {@code TOO_LONG}
 * @param description why, for people: one English sentence; empty where it had to be left out
 */
public record Violation(String field, String reason, String description) {}
