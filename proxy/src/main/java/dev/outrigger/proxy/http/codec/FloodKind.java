package dev.outrigger.proxy.http.codec;

import java.util.Locale;

/** What a peer did too much of, or too slowly, without any use; a label of metrics. */
public enum FloodKind {
  /** Streams that the client opened and reset (CVE-2023-44487). */
  RAPID_RESET,
  /** Errors that made us reset streams (CVE-2025-8671). */
  PROVOKED_RESET,
  /** Heads that no request may have (CVE-2019-9514). */
  BAD_HEADERS,
  /** Heads with more fields or bytes than allowed, again and again. */
  LARGE_HEADERS,
  /** Header blocks that do not end (CVE-2024-27919, CVE-2026-33871). */
  CONTINUATION,
  /** SETTINGS, or what acknowledges them (CVE-2019-9515). */
  SETTINGS,
  /** PING, or what acknowledges them (CVE-2019-9512). */
  PING,
  /** PRIORITY (CVE-2019-9513). */
  PRIORITY,
  /** WINDOW_UPDATE. */
  WINDOW_UPDATE,
  /** DATA without data (CVE-2019-9518). */
  EMPTY_DATA,
  /** Windows that let us send only a few bytes at a time (CVE-2019-9511). */
  TINY_WINDOWS,
  /** Frames of types that nobody knows. */
  UNKNOWN_FRAMES,
  /** Streams beyond those allowed at once. */
  REFUSED_STREAMS,
  /** What we answered and the peer did not read (CVE-2019-9517). */
  UNREAD_ANSWERS,
  /** Changes of the header table's size. */
  TABLE_SIZE,
  /** A head, a frame or a header block that did not come in time. */
  SLOW_HEADERS,
  /** A body that came too slowly. */
  SLOW_BODY;

  private final String label = name().toLowerCase(Locale.ROOT);

  /** Its name in metrics and in GOAWAY. */
  public String label() {
    return label;
  }
}
