package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse.Result;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResultsTest {
  @ParameterizedTest
  @CsvSource({
    "0, RESULT_CONFIRMED_UNATTRIBUTED",
    "1, RESULT_CONFIRMED",
    "2, RESULT_ALREADY_CONFIRMED",
    "3, RESULT_CONFIRMED_UNATTRIBUTED",
    "99, RESULT_CONFIRMED_UNATTRIBUTED",
    "-1, RESULT_CONFIRMED_UNATTRIBUTED",
  })
  void namesEveryResult(int sent, Result want) throws Exception {
    try (CraftedServer server = new CraftedServer()) {
      server.answers(request -> ConfirmSignUpResponse.newBuilder().setResultValue(sent).build());

      assertEquals(
          want,
          Results.of(
              UserAdminGrpc.newBlockingStub(server.channel())
                  .confirmSignUp(ConfirmSignUpRequest.getDefaultInstance())));
    }
  }
}
