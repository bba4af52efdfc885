package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.fuzz.Oracle;
import dev.outrigger.proxy.message.Headers;
import java.util.ArrayList;
import java.util.List;

/** A second, simple reading of a head that was accepted: no line is lost, joined or made up. */
final class HeadText {
  private HeadText() {}

  /** Compares the fields with the lines that end at an offset. */
  static void agrees(byte[] input, int end, Headers headers) {
    String text = Oracle.latin1(input).substring(0, end);
    Oracle.check(text.endsWith("\r\n\r\n"), "a head ends without an empty line");
    String head = text.substring(0, end - 4);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < headers.size(); i++) {
      lines.add(headers.nameAt(i) + "=" + headers.valueAt(i));
    }
    // The last lines before the empty one, as many as there are fields, and before them one more.
    String[] all = head.split("\r\n", -1);
    Oracle.check(all.length > headers.size(), "there are more fields than lines");
    List<String> expected = new ArrayList<>();
    for (int i = all.length - headers.size(); i < all.length; i++) {
      int colon = all[i].indexOf(':');
      Oracle.check(colon > 0, "a line without a name was accepted");
      expected.add(
          all[i].substring(0, colon)
              + "="
              + all[i].substring(colon + 1).replaceAll("^[ \t]+|[ \t]+$", ""));
    }
    Oracle.same(expected, lines, "the fields are not those of the lines");
    String start = all[all.length - headers.size() - 1];
    Oracle.check(
        start.contains("HTTP/1."), "the line before the fields is no first line: " + start);
  }
}
