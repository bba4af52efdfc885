package dev.outrigger.proxy.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.proxy.config.LogFormat.Piece;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LogFormatParserTest {

  @Test
  void textAndOperatorsAlternate() throws LogFormatException {
    assertThat(LogFormatParser.parse("100%% %REQ(X-A?:PATH):12% %PROTOCOL%"))
        .containsExactly(
            new Piece.Literal("100% "),
            new Piece.Value(LogOperator.REQ, "x-a", ":path", 12),
            new Piece.Literal(" "),
            new Piece.Value(LogOperator.PROTOCOL, "", "", 0));
  }

  @Test
  void aTimeMayHoldPercentSigns() throws LogFormatException {
    assertThat(LogFormatParser.parse("%START_TIME(%Y/%m/%dT%H:%M:%S%z %3f)%!"))
        .containsExactly(
            new Piece.Value(LogOperator.START_TIME, "%Y/%m/%dT%H:%M:%S%z %3f", "", 0),
            new Piece.Literal("!"));
  }

  @Test
  void emptyBracketsAreNoArgument() throws LogFormatException {
    assertThat(LogFormatParser.parse("%PROTOCOL()%%GRPC_STATUS()%"))
        .containsExactly(
            new Piece.Value(LogOperator.PROTOCOL, "", "", 0),
            new Piece.Value(LogOperator.GRPC_STATUS, "", "", 0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "%DURATIN%                  | at position 1: there is no operator %DURATIN%, did you mean %DURATION%?",
        "ab %duration%              | at position 4: there is no operator %duration%, did you mean %DURATION%?",
        "%CEL(request.path)%        | at position 1: %CEL% is known to Envoy and not supported here",
        "50% off                    | at position 3: a % that begins no operator; %% writes a percent sign",
        "50%off                     | at position 3: there is no operator %off%",
        "%DURATION                  | at position 10: expected % at the end of %DURATION",
        "%DURATION:abc%             | at position 10: expected % at the end of %DURATION",
        "%REQ(A                     | at position 5: the bracket of %REQ( is not closed by )%",
        "%REQ%                      | at position 5: %REQ% needs a header's name, as in %REQ(X-NAME?OTHER)%",
        "%REQ(a b)%                 | at position 6: 'a b' is no header name",
        "%REQ(a?b?c)%               | at position 6: %REQ% needs a header's name, as in %REQ(X-NAME?OTHER)%",
        "%PROTOCOL(x)%              | at position 11: %PROTOCOL% takes nothing in brackets",
        "%START_TIME(%Y %Q)%        | at position 16: '%Q' is no part of a time; known: %Y",
        "%GRPC_STATUS(SNAKE)%       | at position 14: 'SNAKE' is no way to write a gRPC status",
      })
  void whatIsWrongIsNamedWithItsPlaceAndWhatMayBeMeant(String text, String message) {
    assertThatThrownBy(() -> LogFormatParser.parse(text))
        .isInstanceOf(LogFormatException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void whatIstioWritesByDefaultIsUnderstood() throws LogFormatException {
    assertThat(
            LogFormatParser.parse(
                "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\""
                    + " %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"
                    + " %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\""
                    + " %BYTES_RECEIVED% %BYTES_SENT% %DURATION%"
                    + " %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\""
                    + " \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\""
                    + " \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%"
                    + " %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS%"
                    + " %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"))
        .hasSizeGreaterThan(40);
  }
}
