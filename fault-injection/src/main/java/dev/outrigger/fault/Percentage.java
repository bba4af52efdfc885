package dev.outrigger.fault;

import java.math.BigDecimal;

/**
 * A share in parts per million.
 *
 * @param ppm 0 to 1,000,000
 */
public record Percentage(int ppm) {
  private static final int WHOLE = 1_000_000;

  public static final Percentage NEVER = new Percentage(0);
  public static final Percentage ALWAYS = new Percentage(WHOLE);

  /**
   * @throws IllegalArgumentException if it is below nothing or above everything
   */
  public Percentage {
    if (ppm < 0 || ppm > WHOLE) {
      throw new IllegalArgumentException(
          "a share is 0 to 1000000 parts per million, not " + Integer.toUnsignedString(ppm));
    }
  }

  /** So many in a hundred. */
  public static Percentage ofPercent(int percent) {
    return new Percentage(Math.multiplyExact(percent, WHOLE / 100));
  }

  /**
   * Whether a uniformly random number falls into this share. The same number falls into every
   * larger share too, so that raising a percentage keeps those who were hit.
   */
  public boolean includes(long roll) {
    return Math.unsignedMultiplyHigh(roll, WHOLE) < ppm;
  }

  /** Such as {@code 0.5%}. */
  @Override
  public String toString() {
    return BigDecimal.valueOf(ppm, 4).stripTrailingZeros().toPlainString() + "%";
  }
}
