package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import io.grpc.Channel;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RepeatsTest {
  private static final ConfirmSignUpRequest REQUEST = ConfirmSignUpRequest.getDefaultInstance();

  @Test
  void marksTheCallsOfEveryStub() throws Exception {
    try (CraftedServer server = new CraftedServer()) {
      server.answers(request -> ConfirmSignUpResponse.getDefaultInstance());
      Channel channel = server.channel();

      Repeats.mark(UserAdminGrpc.newBlockingStub(channel)).confirmSignUp(REQUEST);
      Repeats.mark(UserAdminGrpc.newBlockingV2Stub(channel)).confirmSignUp(REQUEST);
      Repeats.mark(UserAdminGrpc.newFutureStub(channel)).confirmSignUp(REQUEST).get(5, TimeUnit.SECONDS);

      assertEquals(List.of(List.of("1"), List.of("1"), List.of("1")), server.marks());
    }
  }
}
