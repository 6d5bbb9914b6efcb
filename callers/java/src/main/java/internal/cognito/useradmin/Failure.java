package internal.cognito.useradmin;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import internal.cognito.useradmin.v1.ErrorReason;
import internal.cognito.useradmin.v1.Outcome;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;

/**
 * Why a call failed, what it did to the user, and what to do next.
 *
 * <p>If {@link #fromService} is false, only {@link #code} and {@link #message} are set, and the outcome is UNKNOWN.
 * Instances are immutable.
 */
public final class Failure {
  /** The domain of the ErrorInfo in every status that the service makes. */
  public static final String DOMAIN = "useradmin.cognito.internal";

  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final String REASON_PREFIX = "ERROR_REASON_";
  private static final String OUTCOME_PREFIX = "OUTCOME_";

  // Cause chains may be circular.
  private static final int MAX_CAUSES = 64;
  // The bounds of google.protobuf.Duration.
  private static final long MAX_DELAY_SECONDS = 315_576_000_000L;
  private static final int MAX_DELAY_NANOS = 999_999_999;

  private final Status.Code code;
  private final String message;
  private final boolean fromService;
  private final String reasonName;
  private final Map<String, String> metadata;
  private final Outcome outcome;
  private final Optional<Duration> retryDelay;
  private final List<Violation> violations;
  private final String requestId;

  private Failure(Status.Code code, String message, List<Any> details) {
    this.code = code;
    this.message = message;
    Optional<ErrorInfo> info =
        ofType(details, ErrorInfo.class).filter(found -> found.getDomain().equals(DOMAIN)).findFirst();
    fromService = info.isPresent();
    reasonName = info.map(ErrorInfo::getReason).orElse("");
    metadata = info.map(ErrorInfo::getMetadataMap).orElse(Map.of());
    outcome = outcomeNamed(metadata.getOrDefault("outcome", ""));
    // In a status that something else made, retries and fields are not about this service.
    List<Any> ours = fromService ? details : List.of();
    retryDelay = ofType(ours, RetryInfo.class).findFirst().flatMap(Failure::delayOf);
    violations =
        ofType(ours, BadRequest.class)
            .flatMap(request -> request.getFieldViolationsList().stream())
            .map(found -> new Violation(found.getField(), found.getReason(), found.getDescription()))
            .toList();
    requestId = ofType(ours, RequestInfo.class).findFirst().map(RequestInfo::getRequestId).orElse("");
  }

  /**
   * Reads what a stub threw or passed to {@code onError}: a StatusRuntimeException or a StatusException, also as the
   * cause of another exception, such as an ExecutionException.
   *
   * <p>It never throws. Any other exception becomes a failure that the service did not make.
   *
   * @param error the exception; null is treated as an exception without text
   * @return the failure
   */
  public static Failure of(Throwable error) {
    Throwable cause = error;
    for (int i = 0; cause != null && i < MAX_CAUSES; i++, cause = cause.getCause()) {
      if (cause instanceof StatusRuntimeException found) {
        return of(found.getStatus(), found.getTrailers());
      }
      if (cause instanceof StatusException found) {
        return of(found.getStatus(), found.getTrailers());
      }
    }
    Status.Code code = error instanceof CancellationException ? Status.Code.CANCELLED : Status.Code.UNKNOWN;
    return new Failure(code, error == null ? "" : textOf(error), List.of());
  }

  private static Failure of(Status status, Metadata trailers) {
    String message = Objects.requireNonNullElse(status.getDescription(), "");
    return new Failure(status.getCode(), message, detailsOf(status.getCode(), trailers));
  }

  // Ignores bytes that are not a google.rpc.Status, and a status with another code: something on the way has replaced
  // the service's status. gRPC reads a code that it does not have as UNKNOWN.
  private static List<Any> detailsOf(Status.Code code, Metadata trailers) {
    try {
      byte[] bytes = trailers == null ? null : trailers.get(DETAILS);
      com.google.rpc.Status status = com.google.rpc.Status.parseFrom(bytes == null ? new byte[0] : bytes);
      boolean sameCode = Status.fromCodeValue(status.getCode()).getCode() == code;
      return sameCode ? status.getDetailsList() : List.of();
    } catch (InvalidProtocolBufferException e) {
      return List.of();
    }
  }

  private static String textOf(Throwable error) {
    return Objects.requireNonNullElse(error.getMessage(), error.getClass().getName());
  }

  private static <T extends Message> Stream<T> ofType(List<Any> details, Class<T> type) {
    return details.stream().filter(detail -> detail.is(type)).flatMap(detail -> unpack(detail, type));
  }

  private static <T extends Message> Stream<T> unpack(Any detail, Class<T> type) {
    try {
      return Stream.of(detail.unpack(type));
    } catch (InvalidProtocolBufferException e) {
      return Stream.empty();
    }
  }

  private static Outcome outcomeNamed(String name) {
    EnumValueDescriptor value = Outcome.getDescriptor().findValueByName(OUTCOME_PREFIX + name);
    return value == null || value.getNumber() == Outcome.OUTCOME_UNSPECIFIED_VALUE
        ? Outcome.OUTCOME_UNKNOWN
        : Outcome.valueOf(value);
  }

  private static Optional<Duration> delayOf(RetryInfo info) {
    long seconds = info.getRetryDelay().getSeconds();
    int nanos = info.getRetryDelay().getNanos();
    boolean mixed = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
    if (seconds > MAX_DELAY_SECONDS
        || seconds < -MAX_DELAY_SECONDS
        || nanos > MAX_DELAY_NANOS
        || nanos < -MAX_DELAY_NANOS
        || mixed) {
      return Optional.empty();
    }
    Duration delay = Duration.ofSeconds(seconds, nanos);
    return Optional.of(delay.isNegative() ? Duration.ZERO : delay);
  }

  /**
   * Returns the gRPC code.
   *
   * @return the code of the status; CANCELLED for a CancellationException, UNKNOWN for any other exception that is not
   *     an RPC error
   */
  public Status.Code code() {
    return code;
  }

  /**
   * Returns the name of the gRPC code, for example {@code NOT_FOUND}.
   *
   * @return the name of {@link #code}
   */
  public String codeName() {
    return code.name();
  }

  /**
   * Returns the text of the status, for people and logs; do not parse it.
   *
   * @return the text of the status, or of the exception if it is not an RPC error; may be empty
   */
  public String message() {
    return message;
  }

  /**
   * Returns whether the service made the status.
   *
   * <p>If not, something else made it: a proxy, a library, a cut connection, the caller's own deadline.
   *
   * @return whether the details have an ErrorInfo with the domain {@link #DOMAIN}
   */
  public boolean fromService() {
    return fromService;
  }

  /**
   * Returns why the call failed.
   *
   * @return the reason; {@link ErrorReason#ERROR_REASON_UNSPECIFIED} if {@link #fromService} is false, or if these stubs
   *     do not know {@link #reasonName}: then act on {@link #code} and {@link #outcome}
   */
  public ErrorReason reason() {
    EnumValueDescriptor value = ErrorReason.getDescriptor().findValueByName(REASON_PREFIX + reasonName);
    return value == null ? ErrorReason.ERROR_REASON_UNSPECIFIED : ErrorReason.valueOf(value);
  }

  /**
   * Returns the name of the reason as it was sent, for example {@code USER_NOT_FOUND}.
   *
   * @return the name; empty if {@link #fromService} is false
   */
  public String reasonName() {
    return reasonName;
  }

  /**
   * Returns the effect of the call on the user.
   *
   * @return the outcome; {@link Outcome#OUTCOME_UNKNOWN} if it is missing, or if these stubs do not know it
   */
  public Outcome outcome() {
    return outcome;
  }

  /**
   * Returns the name of the outcome, for example {@code NOT_APPLIED}.
   *
   * @return the name of {@link #outcome} without its prefix
   */
  public String outcomeName() {
    return outcome.name().substring(OUTCOME_PREFIX.length());
  }

  /**
   * Returns how long to wait before sending the same call again, from {@code google.rpc.RetryInfo}.
   *
   * @return the delay, never negative; empty without a valid one
   */
  public Optional<Duration> retryDelay() {
    return retryDelay;
  }

  /**
   * Returns what is wrong with the request, from {@code google.rpc.BadRequest}.
   *
   * @return the violations in the order of the service; unmodifiable
   */
  public List<Violation> violations() {
    return violations;
  }

  /**
   * Returns the service's id of the call, which is also in its log, from {@code google.rpc.RequestInfo}.
   *
   * @return the id; empty without one
   */
  public String requestId() {
    return requestId;
  }

  /**
   * Returns the metadata of the ErrorInfo; {@link ErrorReason} describes the keys.
   *
   * @return the metadata; unmodifiable, and empty if {@link #fromService} is false
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * Returns whether the service says that the same call may be sent again, after {@link #retryDelay} if there is one.
   *
   * <p>It says so with RetryInfo or UNAVAILABLE. Mark the repeat with {@link Repeats#mark}.
   *
   * @return whether the same call may be sent again
   */
  public boolean retryable() {
    return fromService && (retryDelay.isPresent() || code == Status.Code.UNAVAILABLE);
  }

  /**
   * Returns whether the call certainly had no effect on the user, and will have none.
   *
   * @return whether the service made the status and {@link #outcome} is NOT_SENT or NOT_APPLIED
   */
  public boolean notApplied() {
    return fromService && (outcome == Outcome.OUTCOME_NOT_SENT || outcome == Outcome.OUTCOME_NOT_APPLIED);
  }

  /**
   * Returns whether the call had its effect on the user and failed afterwards: do not send it again.
   *
   * @return whether {@link #outcome} is APPLIED
   */
  public boolean applied() {
    return outcome == Outcome.OUTCOME_APPLIED;
  }

  /**
   * Returns whether the call may have had its effect, or may still have it.
   *
   * <p>To find out, send it again with {@code allow_confirmed}, marked with {@link Repeats#mark}: OK means that the user
   * is confirmed.
   *
   * @return whether {@link #outcome} is UNKNOWN
   */
  public boolean outcomeUnknown() {
    return outcome == Outcome.OUTCOME_UNKNOWN;
  }

  /**
   * Returns whether the call was marked as a repeat, by the caller, a library or a proxy.
   *
   * @return whether the metadata has {@code repeated} = {@code true}
   */
  public boolean repeated() {
    return "true".equals(metadata.get("repeated"));
  }

  /**
   * Returns one printable line for logs, for example {@code NOT_FOUND USER_NOT_FOUND: The user pool has no such user.
   * (outcome NOT_APPLIED, request id 7d3f)}. Its form may change.
   */
  @Override
  public String toString() {
    String reason = reasonName.isEmpty() ? "" : " " + reasonName;
    String origin = fromService ? "" : "not made by useradmin, ";
    String request = requestId.isEmpty() ? "" : ", request id " + requestId;
    String line = code + reason + ": " + message + " (" + origin + "outcome " + outcomeName() + request + ")";
    // The message of a proxy may contain what forges log lines or moves a terminal's cursor.
    return line.replaceAll("[\\p{C}\\p{Z}]", " ");
  }
}
