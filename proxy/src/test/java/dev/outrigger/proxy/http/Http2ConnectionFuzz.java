package dev.outrigger.proxy.http;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.fuzz.Cuts;
import dev.outrigger.proxy.http.EchoBed.Answers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2FrameTypes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A whole HTTP/2 connection: frames however malformed, cut anywhere, get the same verdicts. */
public final class Http2ConnectionFuzz {
  private static final byte[] PREFACE = preface();

  private Http2ConnectionFuzz() {}

  private static byte[] preface() {
    ByteBuf bytes = Http2CodecUtil.connectionPrefaceBuf();
    byte[] text = new byte[bytes.readableBytes() + 9]; // and an empty SETTINGS
    bytes.readBytes(text, 0, bytes.readableBytes()).release();
    text[text.length - 9 + 3] = Http2FrameTypes.SETTINGS;
    return text;
  }

  /** The input is frames, after the preface and empty SETTINGS. */
  public static void fuzzerTestOneInput(byte[] input) {
    byte[] bytes = Arrays.copyOf(PREFACE, PREFACE.length + input.length);
    System.arraycopy(input, 0, bytes, PREFACE.length, input.length);
    Answers whole = EchoBed.answers(Codec.HTTP2, List.of(bytes));
    check(
        whole.bytes().length <= 1024 + 64L * input.length, "much more is answered than was asked");
    Map<String, String> verdicts = verdicts(whole);
    check(
        whole.open() || verdicts.containsKey(Http2FrameTypes.GO_AWAY + " 0") || goesAway(input),
        "the connection is closed without a word");
    for (List<byte[]> pieces : Cuts.of(input)) {
      List<byte[]> all = new ArrayList<>(pieces);
      all.addFirst(PREFACE);
      same(
          verdicts,
          verdicts(EchoBed.answers(Codec.HTTP2, all)),
          "frames in pieces get other answers");
    }
  }

  /** Whether the client itself ends the connection. */
  private static boolean goesAway(byte[] input) {
    ByteBuf in = Unpooled.wrappedBuffer(input);
    while (in.readableBytes() >= 9) {
      int length = in.readUnsignedMedium();
      if (in.readByte() == Http2FrameTypes.GO_AWAY) {
        return true;
      }
      in.skipBytes(Math.min(in.readableBytes(), 5 + length));
    }
    return false;
  }

  /** What each stream came to, and the connection. */
  private static Map<String, String> verdicts(Answers answers) {
    Map<String, String> verdicts = new TreeMap<>();
    ByteBuf in = Unpooled.wrappedBuffer(answers.bytes());
    while (in.isReadable()) {
      check(in.readableBytes() >= 9, "half a frame header is sent");
      int length = in.readUnsignedMedium();
      int type = in.readByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      check(length <= 16_384 && in.readableBytes() >= length, "half a frame is sent");
      ByteBuf payload = in.readSlice(length);
      switch (type) {
        case Http2FrameTypes.RST_STREAM, Http2FrameTypes.GO_AWAY -> {
          long code = payload.getUnsignedInt(type == Http2FrameTypes.GO_AWAY ? 4 : 0);
          verdicts.merge(type + " " + stream, "code " + code, (a, b) -> a + ", " + b);
        }
        case Http2FrameTypes.DATA ->
            verdicts.merge("data " + stream, Integer.toString(length), (a, b) -> sum(a, b));
        case Http2FrameTypes.HEADERS -> verdicts.merge("head " + stream, "1", (a, b) -> sum(a, b));
        default -> {}
      }
      if (type <= Http2FrameTypes.HEADERS && (flags & 1) != 0) {
        verdicts.merge("end " + stream, "1", (a, b) -> sum(a, b));
      }
    }
    verdicts.put("open", Boolean.toString(answers.open()));
    return verdicts;
  }

  private static String sum(String one, String other) {
    return Integer.toString(Integer.parseInt(one) + Integer.parseInt(other));
  }
}
