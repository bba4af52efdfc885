package dev.outrigger.e2e.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What was measured of faults, judged and kept for a table. The full size ({@code
 * -Doutrigger.full=true}) asks for what is promised: shares within 1.5 points of 10,000, delays
 * within 5% or 2 ms, rates within 5%. The small one is for machines that are busy with something
 * else: shares within what chance allows once in a million runs, and times that are not too short.
 */
public final class Measurements {
  private static final double IN_A_MILLION = Math.log(2e6);
  private static final double SHARE = 0.015;
  private static final double RELATIVE = 0.05;
  private static final double MILLIS = 2;

  /** Who is woken late takes the rest of a wait for shorter than it was. */
  private static final double SURELY = 0.8;

  /** What a busy machine does to one of two windows, and much less than a fault does. */
  private static final double ROOM = 5;

  private static final List<String> ROWS = new ArrayList<>();

  private Measurements() {}

  /** Whether the full size is asked for. */
  public static boolean full() {
    return Boolean.getBoolean("outrigger.full");
  }

  /** One number for each size. */
  public static int sized(int small, int full) {
    return full() ? full : small;
  }

  /** How many of how many were hit. */
  public static void share(String what, long hits, long count, double wanted) {
    double measured = (double) hits / count;
    boolean holds =
        full()
            ? Math.abs(measured - wanted) <= SHARE
            : count * divergence(measured, wanted) <= IN_A_MILLION;
    row(
        holds,
        what,
        "%.2f %%".formatted(100 * wanted),
        "%.2f %%".formatted(100 * measured),
        "%d of %d".formatted(hits, count));
  }

  /** Chernoff's bound: a share strays so far with a chance of at most e to its negative. */
  private static double divergence(double measured, double wanted) {
    return part(measured, wanted) + part(1 - measured, 1 - wanted);
  }

  private static double part(double measured, double wanted) {
    return measured == 0 ? 0 : measured * Math.log(measured / wanted);
  }

  /** Something that is exactly so. */
  public static void exactly(String what, Object wanted, Object measured) {
    row(wanted.equals(measured), what, wanted.toString(), measured.toString(), "");
  }

  /** A length of time, in milliseconds; in the small size it is only bounded from below. */
  public static void millis(String what, double wanted, double measured, String how) {
    double most = Math.max(RELATIVE * wanted, MILLIS);
    boolean holds =
        full() ? Math.abs(measured - wanted) <= most : measured >= SURELY * wanted - most;
    row(holds, what, "%.2f ms".formatted(wanted), "%.2f ms".formatted(measured), how);
  }

  /**
   * A quantile in milliseconds; in the small size it is only bounded from below.
   *
   * @param least what it may be by chance, before the tolerance for times
   * @param most likewise
   */
  public static void quantile(
      String what, double wanted, double least, double most, double measured, int count) {
    double tolerance = Math.max(RELATIVE * wanted, MILLIS);
    boolean holds =
        full()
            ? measured >= least - tolerance && measured <= most + tolerance
            : measured >= SURELY * least - tolerance;
    row(
        holds,
        what,
        "%.2f ms".formatted(wanted),
        "%.2f ms".formatted(measured),
        "of %d; by chance %.2f to %.2f".formatted(count, least, most));
  }

  /** Bytes per second; in the small size they are only bounded from above. */
  public static void rate(String what, double wanted, double measured, String how) {
    boolean holds =
        measured <= wanted * (1 + RELATIVE) && (!full() || measured >= wanted * (1 - RELATIVE));
    row(holds, what, "%.0f B/s".formatted(wanted), "%.0f B/s".formatted(measured), how);
  }

  /**
   * A factor between what was measured with and without; the small size gives it much more room.
   */
  public static void ratio(String what, double least, double most, double measured, String how) {
    row(
        full()
            ? measured >= least && measured <= most
            : measured >= least / ROOM && measured <= most * ROOM,
        what,
        most == Double.MAX_VALUE
            ? ">= %.2f".formatted(least)
            : "%.2f to %.2f".formatted(least, most),
        "%.3f".formatted(measured),
        how);
  }

  private static void row(boolean holds, String what, String wanted, String got, String how) {
    String row =
        String.format(
            Locale.ROOT, "%-58s %16s %16s  %-4s %s", what, wanted, got, holds ? "ok" : "MISS", how);
    synchronized (ROWS) {
      ROWS.add(row);
    }
    assertThat(holds).as(row).isTrue();
  }

  /** The middle one, or what lies between the two in the middle. */
  public static double median(List<Double> all) {
    List<Double> sorted = new ArrayList<>(all);
    sorted.sort(null);
    int half = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(half)
        : (sorted.get(half - 1) + sorted.get(half)) / 2;
  }

  /** The one at a share of them from the least. */
  public static double quantile(List<Double> all, double share) {
    List<Double> sorted = new ArrayList<>(all);
    sorted.sort(null);
    return sorted.get((int) Math.min(sorted.size() - 1L, (long) (share * sorted.size())));
  }

  /** Shows all rows, and keeps them in a file. */
  public static void print() {
    synchronized (ROWS) {
      if (ROWS.isEmpty()) {
        return;
      }
      String table =
          "%-58s %16s %16s  %-4s %s%n".formatted("what", "wanted", "measured", "", "how")
              + String.join("\n", ROWS)
              + "\n";
      System.out.println(table);
      try {
        Files.writeString(Path.of("target", "chaos-measured.txt"), table);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
