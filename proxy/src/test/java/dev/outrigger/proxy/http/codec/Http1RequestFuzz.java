package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.fuzz.Cuts;
import dev.outrigger.proxy.fuzz.Oracle;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import java.util.List;

/** Requests of HTTP/1.1, one after the other: read the same however cut, and fit to go on. */
public final class Http1RequestFuzz {
  private Http1RequestFuzz() {}

  /** The input is what a peer sends. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Http1Conversation whole =
        new Http1Conversation(
            true,
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
          Http1Conversation.read(true, pieces),
          "the same bytes are read differently when they come in pieces");
    }
  }
}
