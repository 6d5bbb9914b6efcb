package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Message;
import io.grpc.Channel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.AbstractStub;
import org.junit.jupiter.api.Test;

/** Checks that the tests run on the intended versions of the libraries. */
class RuntimeTest {
  @Test
  void runsOnTheIntendedVersions() {
    assertVersion("grpc", Channel.class);
    assertVersion("grpc", AbstractStub.class);
    assertVersion("grpc", NettyChannelBuilder.class);
    assertVersion("protobuf", Message.class);
    System.out.printf(
        "runtime: grpc-java %s, protobuf-java %s, Java %s%n",
        System.getProperty("expected.grpc"), System.getProperty("expected.protobuf"), Runtime.version().feature());
  }

  private static void assertVersion(String library, Class<?> type) {
    String version = System.getProperty("expected." + library);
    String jar = type.getProtectionDomain().getCodeSource().getLocation().getPath();
    assertTrue(jar.endsWith("-" + version + ".jar"), jar + " is not of version " + version);
  }
}
