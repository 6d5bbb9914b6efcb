package internal.cognito.useradmin;

import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;

/** Marks calls as repeats. */
public final class Repeats {
  /** The header that marks a call as a repeat. */
  public static final Metadata.Key<String> HEADER =
      Metadata.Key.of("x-useradmin-repeat", Metadata.ASCII_STRING_MARSHALLER);

  private Repeats() {}

  /**
   * Returns a stub whose calls are marked as repeats. Use it whenever you send the same call again yourself, so that the
   * service treats the repeat and the first sending as one call.
   *
   * @param stub a stub of any kind
   * @param <S> the type of the stub
   * @return a stub like {@code stub} that sends {@code x-useradmin-repeat: 1}
   */
  public static <S extends AbstractStub<S>> S mark(S stub) {
    Metadata headers = new Metadata();
    headers.put(HEADER, "1");
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }
}
