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
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;

/**
 * Why a call failed, what it did, and what to do next.
 *
 * <p>All but {@link #code} and {@link #message} comes from the service's own status details, so it has its default
 * where {@link #fromService} is false. Instances are immutable.
 */
public final class Failure {
  /** The domain of the ErrorInfo by which a status made by the service is known. */
  public static final String DOMAIN = "useradmin.v1";

  // Cause chains may be circular.
  private static final int MAX_CAUSES = 64;
  // The bounds of google.protobuf.Duration.
  private static final long MAX_DELAY_SECONDS = 315_576_000_000L;
  private static final int MAX_DELAY_NANOS = 999_999_999;

  private final Status.Code code;
  private final String message;
  private final Optional<ErrorInfo> info;
  private final Outcome outcome;
  private final Optional<Duration> retryDelay;
  private final List<Violation> violations;
  private final Optional<String> requestId;

  private Failure(Status.Code code, String message, List<Any> details) {
    this.code = code;
    this.message = message;
    info = ofType(details, ErrorInfo.class).filter(found -> found.getDomain().equals(DOMAIN)).findFirst();
    List<Any> ours = info.isPresent() ? details : List.of();
    outcome = info.map(Failure::outcomeOf).orElse(Outcome.OUTCOME_UNKNOWN);
    retryDelay = ofType(ours, RetryInfo.class).findFirst().flatMap(Failure::delayOf);
    violations =
        ofType(ours, BadRequest.class)
            .flatMap(request -> request.getFieldViolationsList().stream())
            .map(found -> new Violation(found.getField(), found.getReason(), found.getDescription()))
            .toList();
    requestId =
        ofType(ours, RequestInfo.class).findFirst().map(RequestInfo::getRequestId).filter(id -> !id.isEmpty());
  }

  /**
   * Reads what a stub threw, or what came with {@code onError}: a StatusRuntimeException or a StatusException, also as
   * the cause of another exception, such as an ExecutionException.
   *
   * <p>It never throws. Of any other exception it makes a failure that the service did not make.
   *
   * @param error the exception; null is taken for an exception without text
   * @return what the exception tells
   */
  public static Failure of(Throwable error) {
    Throwable cause = error;
    for (int i = 0; cause != null && i < MAX_CAUSES; i++, cause = cause.getCause()) {
      if (cause instanceof StatusRuntimeException found) {
        return of(found.getStatus(), found);
      }
      if (cause instanceof StatusException found) {
        return of(found.getStatus(), found);
      }
    }
    Status.Code code = error instanceof CancellationException ? Status.Code.CANCELLED : Status.Code.UNKNOWN;
    return new Failure(code, error == null ? "" : textOf(error), List.of());
  }

  private static Failure of(Status status, Exception error) {
    String message = Objects.requireNonNullElse(status.getDescription(), "");
    return new Failure(status.getCode(), message, detailsOf(error));
  }

  // They can't be read where they are garbage, or where something on the way has replaced the service's code.
  private static List<Any> detailsOf(Exception error) {
    try {
      return StatusProto.fromThrowable(error).getDetailsList();
    } catch (RuntimeException e) {
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

  private static Outcome outcomeOf(ErrorInfo info) {
    String name = info.getMetadataOrDefault("outcome", "");
    EnumValueDescriptor value = Outcome.getDescriptor().findValueByName(name);
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
   * @return the code of the status; UNKNOWN for an exception that is no RPC error, but CANCELLED for a
   *     CancellationException
   */
  public Status.Code code() {
    return code;
  }

  /**
   * Returns the status message, for people and logs; it is not to be parsed.
   *
   * @return the message, or the text of an exception that is no RPC error; may be empty
   */
  public String message() {
    return message;
  }

  /**
   * Tells whether the service made the status.
   *
   * <p>If not, something else did (a proxy, a library, a cut connection, the caller's own deadline), and what became of
   * the call is unknown.
   *
   * @return whether the status carries an ErrorInfo of the domain {@link #DOMAIN}
   */
  public boolean fromService() {
    return info.isPresent();
  }

  /**
   * Returns the name of an {@link ErrorReason} as it was sent, for example {@code ERROR_REASON_USER_NOT_FOUND}; see
   * {@link #reasonValue} for use in a {@code switch}.
   *
   * @return the reason of the ErrorInfo; empty where {@link #fromService} is false
   */
  public Optional<String> reason() {
    return info.map(ErrorInfo::getReason).filter(reason -> !reason.isEmpty());
  }

  /**
   * Returns the reason as a constant.
   *
   * @return {@link ErrorReason#ERROR_REASON_UNSPECIFIED} if there is none; {@link ErrorReason#UNRECOGNIZED} for one
   *     that a newer server sent and these stubs do not know: then go by {@link #code} and {@link #outcome}
   */
  public ErrorReason reasonValue() {
    return reason().map(Failure::reasonNamed).orElse(ErrorReason.ERROR_REASON_UNSPECIFIED);
  }

  private static ErrorReason reasonNamed(String name) {
    EnumValueDescriptor value = ErrorReason.getDescriptor().findValueByName(name);
    return value == null ? ErrorReason.UNRECOGNIZED : ErrorReason.valueOf(value);
  }

  /**
   * Returns what this call did to the user; an earlier sending of it may have done something else, see {@link
   * #repeated}.
   *
   * @return OUTCOME_NOT_SENT, OUTCOME_NOT_APPLIED or OUTCOME_UNKNOWN, which it is too where {@link #fromService} is
   *     false or the value is a newer server's
   */
  public Outcome outcome() {
    return outcome;
  }

  /**
   * Returns how long to wait before the same call is sent again, from {@code google.rpc.RetryInfo}.
   *
   * @return the delay, never negative; empty if there is none, or it is no valid {@code google.protobuf.Duration}
   */
  public Optional<Duration> retryDelay() {
    return retryDelay;
  }

  /**
   * Returns what is wrong with the request, field by field, from {@code google.rpc.BadRequest}.
   *
   * @return the violations in the service's order; unmodifiable
   */
  public List<Violation> violations() {
    return violations;
  }

  /**
   * Returns the service's id of the call, from {@code google.rpc.RequestInfo}; its operators find the call in their
   * logs by it.
   *
   * @return the id; empty if there is none
   */
  public Optional<String> requestId() {
    return requestId;
  }

  /**
   * Returns the ErrorInfo's metadata as it was sent; its keys are described at {@link ErrorReason}.
   *
   * @return the metadata; unmodifiable, and empty where {@link #fromService} is false
   */
  public Map<String, String> metadata() {
    return info.map(ErrorInfo::getMetadataMap).orElse(Map.of());
  }

  /**
   * Tells whether a library or a proxy had sent the same call before; that earlier one may have had an effect.
   *
   * @return whether the metadata has {@code repeated} = {@code true}
   */
  public boolean repeated() {
    return "true".equals(metadata().get("repeated"));
  }

  /**
   * Tells whether exactly the same call may be sent again now, after {@link #retryDelay} if there is one.
   *
   * <p>The service says so with RetryInfo or UNAVAILABLE; an UNAVAILABLE that others made promises nothing.
   *
   * @return whether the service says that it is safe
   */
  public boolean retryable() {
    return fromService() && (retryDelay.isPresent() || code == Status.Code.UNAVAILABLE);
  }

  /**
   * Tells whether nothing happened to the user and nothing will: neither by this call nor by an earlier sending of it.
   *
   * @return whether the service promises it
   */
  public boolean certainlyNotApplied() {
    return fromService() && !outcomeUnknown() && !repeated();
  }

  /**
   * Tells whether one has to find out what happened: by the same call with {@code allow_confirmed}, where OK means that
   * the user is confirmed.
   *
   * @return whether {@link #outcome} is OUTCOME_UNKNOWN
   */
  public boolean outcomeUnknown() {
    return outcome == Outcome.OUTCOME_UNKNOWN;
  }

  /**
   * Describes the failure in one line for logs, for example {@code NOT_FOUND ERROR_REASON_USER_NOT_FOUND: The user pool
   * has no such user. (outcome NOT_APPLIED, request id 7d3f)}; its form may change.
   */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(code.name());
    reason().ifPresent(name -> text.append(' ').append(name));
    text.append(": ").append(message).append(fromService() ? " (" : " (not made by " + DOMAIN + ", ");
    text.append("outcome ").append(outcome.name().substring("OUTCOME_".length()));
    requestId.ifPresent(id -> text.append(", request id ").append(id));
    // Others' messages may hold what forges log lines or moves a terminal's cursor.
    return text.append(')').toString().replaceAll("[\\p{C}\\p{Z}]+", " ");
  }
}
