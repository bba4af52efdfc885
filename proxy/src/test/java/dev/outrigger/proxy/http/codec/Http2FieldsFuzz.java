package dev.outrigger.proxy.http.codec;

import java.util.Arrays;

/** Field sections of HTTP/2 by name and value: what is accepted goes on well-formed. */
public final class Http2FieldsFuzz {
  private static final int MAX_FIELDS = 100;

  private Http2FieldsFuzz() {}

  /** Fields end in byte 0x1e; name and value are parted by byte 0x1f. */
  public static void fuzzerTestOneInput(byte[] input) {
    judge(() -> fields(input));
  }

  /** Makes the same section again and again, since reading it as one thing uses it up. */
  interface Section {
    Http2Fields make();
  }

  static void judge(Section section) {
    Http2Fields request = section.make();
    if (request.requestFault() == null && !request.tooMany()) {
      HeadOracle.goesOn(request.request("https"), false);
    }
    Http2Fields response = section.make();
    if (response.responseFault() == null && !response.tooMany()) {
      HeadOracle.goesOn(response.response(), false);
    }
    Http2Fields trailers = section.make();
    if (trailers.trailerFault() == null) {
      var all = trailers.trailers();
      if (all != null) {
        HeadOracle.goOn(all);
      }
    }
  }

  private static Http2Fields fields(byte[] input) {
    Http2Fields fields = new Http2Fields(MAX_FIELDS, 16);
    int at = 0;
    while (at < input.length) {
      int end = indexOf(input, 0x1e, at, input.length);
      int middle = indexOf(input, 0x1f, at, end);
      FieldName name = new FieldName(Arrays.copyOfRange(input, at, middle));
      if (middle == end) {
        fields.add(name, input, end, 0);
      } else {
        fields.add(name, input, middle + 1, end - middle - 1);
      }
      at = end + 1;
    }
    return fields;
  }

  private static int indexOf(byte[] input, int wanted, int from, int to) {
    for (int i = from; i < to; i++) {
      if (input[i] == wanted) {
        return i;
      }
    }
    return to;
  }
}
