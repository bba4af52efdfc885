package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.fuzz.Cuts;
import dev.outrigger.proxy.fuzz.Oracle;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import java.util.List;

/** Responses of HTTP/1.1, one after the other: read the same however cut, and fit to go on. */
public final class Http1ResponseFuzz {
  private Http1ResponseFuzz() {}

  /** The input is what a peer sends. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Http1Conversation whole =
        new Http1Conversation(
            false,
            new Http1Conversation.Heads() {
              @Override
              public void request(RequestHead head, Http1HeadParser parser, int end) {
                HeadText.agrees(input, end, head.headers());
                HeadOracle.goesOn(head, parser.chunked());
              }

              @Override
              public void response(ResponseHead head, Http1HeadParser parser, int end) {
                HeadText.agrees(input, end, head.headers());
                HeadOracle.goesOn(head, parser.chunked());
              }
            });
    whole.read(input);
    for (List<byte[]> pieces : Cuts.of(input)) {
      Oracle.same(
          whole.events(),
          Http1Conversation.read(false, pieces),
          "the same bytes are read differently when they come in pieces");
    }
  }
}
