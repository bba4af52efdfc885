package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds the end of one body after the other (RFC 9112, sections 6 and 7). Bytes are handed on as
 * slices, never copied; the chunks' own lines are checked and taken away. Confined to its
 * connection's event loop.
 */
public final class Http1BodyReader {
  private static final int MAX_TRAILER_BYTES = 8 * 1024;
  private static final int MAX_TRAILERS = 64;
  private static final int MAX_SIZE_DIGITS = 15;

  private enum State {
    DONE,
    LENGTH,
    UNTIL_CLOSE,
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILERS
  }

  private final Origin origin;
  private final int maxTrailerBytes;
  private final int maxTrailers;
  private State state = State.DONE;
  private long remaining;
  private int digits;
  private final ChunkExtension extension = new ChunkExtension();
  private byte[] trailerBytes = {};
  private int trailerLength;
  private @Nullable Headers trailers;
  private @Nullable ProxyError error;

  /**
   * @param origin whose mistake a malformed body is
   */
  public Http1BodyReader(Origin origin) {
    this(origin, MAX_TRAILER_BYTES, MAX_TRAILERS);
  }

  /**
   * @param origin whose mistake a malformed body is
   * @param maxTrailerBytes of all trailers together
   * @param maxTrailers number of trailers
   */
  public Http1BodyReader(Origin origin, int maxTrailerBytes, int maxTrailers) {
    this.origin = origin;
    this.maxTrailerBytes = maxTrailerBytes;
    this.maxTrailers = maxTrailers;
  }

  /** The next body has so many bytes. */
  public void beginLength(long length) {
    begin(length == 0 ? State.DONE : State.LENGTH);
    remaining = length;
  }

  /** The next body is chunked. */
  public void beginChunked() {
    begin(State.CHUNK_SIZE);
  }

  /** The next body ends with the connection. */
  public void beginUntilClose() {
    begin(State.UNTIL_CLOSE);
  }

  private void begin(State first) {
    state = first;
    remaining = 0;
    digits = 0;
    trailerLength = 0;
    trailers = null;
  }

  /** Whether the body is complete. */
  public boolean done() {
    return state == State.DONE;
  }

  /** Whether only the connection's end ends it. */
  public boolean untilClose() {
    return state == State.UNTIL_CLOSE;
  }

  /** Why it was refused, or null; then nothing more can be read. */
  public @Nullable ProxyError error() {
    return error;
  }

  /** Trailers of a chunked body that is done, or null if it had none. */
  public @Nullable Headers trailers() {
    return trailers;
  }

  /** Whether nothing was announced that is still to come: between two chunks. */
  public boolean owesNothing() {
    return state == State.DONE
        || state == State.UNTIL_CLOSE
        || (state == State.CHUNK_SIZE && digits == 0);
  }

  /** Bytes that must still come, where that is known; else -1. */
  public long known() {
    return switch (state) {
      case DONE -> 0;
      case LENGTH -> remaining;
      case UNTIL_CLOSE,
          CHUNK_SIZE,
          CHUNK_EXTENSION,
          CHUNK_SIZE_LF,
          CHUNK_DATA,
          CHUNK_DATA_CR,
          CHUNK_DATA_LF,
          TRAILERS ->
          -1;
    };
  }

  /**
   * The next piece of the body, a retained slice; null when it is done, refused, or needs more
   * bytes.
   */
  public @Nullable ByteBuf next(ByteBuf in) {
    while (error == null && in.isReadable()) {
      switch (state) {
        case DONE -> {
          return null;
        }
        case UNTIL_CLOSE -> {
          return in.readRetainedSlice(in.readableBytes());
        }
        case LENGTH, CHUNK_DATA -> {
          int length = (int) Math.min(remaining, in.readableBytes());
          remaining -= length;
          if (remaining == 0) {
            state = state == State.LENGTH ? State.DONE : State.CHUNK_DATA_CR;
          }
          return in.readRetainedSlice(length);
        }
        case TRAILERS -> trailers(in);
        case CHUNK_SIZE -> size(in.readByte());
        case CHUNK_EXTENSION -> extension(in.readByte());
        case CHUNK_SIZE_LF -> sizeEnd(in.readByte());
        case CHUNK_DATA_CR -> expect(in.readByte(), '\r', State.CHUNK_DATA_LF);
        case CHUNK_DATA_LF -> expect(in.readByte(), '\n', State.CHUNK_SIZE);
      }
    }
    return null;
  }

  private void size(byte b) {
    int digit = Character.digit(b, 16);
    if (digit >= 0) {
      if (++digits > MAX_SIZE_DIGITS) {
        refuse("a chunk size has too many digits");
        return;
      }
      remaining = remaining * 16 + digit;
    } else if (digits == 0) {
      refuse("a chunk does not begin with its size");
    } else if (b == '\r') {
      state = State.CHUNK_SIZE_LF;
    } else if (b == ';') {
      state = State.CHUNK_EXTENSION;
      extension.begin();
    } else {
      refuse("a chunk size is not hexadecimal");
    }
  }

  private void extension(byte b) {
    if (b == '\r') {
      if (extension.mayEnd()) {
        state = State.CHUNK_SIZE_LF;
      } else {
        refuse("a chunk extension ends too early");
      }
      return;
    }
    String wrong = extension.read(b);
    if (wrong != null) {
      refuse(wrong);
    }
  }

  private void sizeEnd(byte b) {
    digits = 0;
    expect(b, '\n', remaining == 0 ? State.TRAILERS : State.CHUNK_DATA);
  }

  private void expect(byte b, char wanted, State next) {
    if (b == wanted) {
      state = next;
    } else {
      refuse("a chunk's line or data does not end in CR LF");
    }
  }

  /** Collects lines until the empty one. */
  private void trailers(ByteBuf in) {
    while (in.isReadable()) {
      byte b = in.readByte();
      boolean afterCr = trailerLength > 0 && trailerBytes[trailerLength - 1] == '\r';
      if (afterCr != (b == '\n')) {
        refuse("a trailer's line does not end in CR LF");
        return;
      }
      if (trailerLength == 0 && b != '\r' && trailerBytes.length == 0) {
        trailerBytes = new byte[256];
      }
      if (trailerLength == trailerBytes.length) {
        if (trailerLength >= maxTrailerBytes) {
          error = new ProxyError.TooLarge(origin, What.HEADERS, maxTrailerBytes);
          return;
        }
        trailerBytes =
            Arrays.copyOf(trailerBytes, Math.min(maxTrailerBytes, Math.max(16, trailerLength * 2)));
      }
      trailerBytes[trailerLength++] = b;
      if (b == '\n' && endsWithEmptyLine()) {
        state = State.DONE;
        if (trailerLength > 2) {
          parseTrailers();
        }
        return;
      }
    }
  }

  private boolean endsWithEmptyLine() {
    int at = trailerLength;
    return (trailerBytes[0] == '\r' && at == 2)
        || (at >= 4
            && trailerBytes[at - 2] == '\r'
            && trailerBytes[at - 3] == '\n'
            && trailerBytes[at - 4] == '\r');
  }

  private void parseTrailers() {
    Trailers parsed = new Trailers(origin, maxTrailers);
    error = parsed.parse(trailerBytes, trailerLength);
    trailers = parsed.headers();
    trailerBytes = new byte[0]; // the headers keep the array
    if (error != null) {
      trailers = null;
    }
  }

  private void refuse(String what) {
    error = new ProxyError.ProtocolViolation(origin, what);
  }
}
