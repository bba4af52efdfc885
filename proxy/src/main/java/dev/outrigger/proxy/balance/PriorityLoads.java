package dev.outrigger.proxy.balance;

/**
 * How traffic is shared among priorities (Envoy: "priority levels" and "panic threshold"). Each
 * priority can take {@code min(100, 1.4 x healthy percent)}; the first takes what it can, the next
 * what is left. If all together cannot take 100, their shares are scaled up to it, and only then a
 * priority whose healthy share lies below the threshold panics: it uses all its endpoints, well or
 * not. If all panic, they share by size. Integer percent throughout, as Envoy counts.
 *
 * @param percent of the traffic, by priority; the sum is 100, or 0 if there is no endpoint at all
 * @param panic whether that priority uses unhealthy endpoints too
 */
@SuppressWarnings("ArrayRecordComponent") // small, made anew with each picker, never shared
record PriorityLoads(int[] percent, boolean[] panic) {
  private static final int OVERPROVISIONING_PERCENT = 140;

  /**
   * The shares.
   *
   * @param healthy endpoints that are well, by priority
   * @param total endpoints, by priority
   * @param panicPercent below so much health a priority panics; 0 is never
   */
  static PriorityLoads of(int[] healthy, int[] total, int panicPercent) {
    int count = total.length;
    int[] capacity = new int[count];
    int sum = 0;
    for (int i = 0; i < count; i++) {
      capacity[i] =
          total[i] == 0
              ? 0
              : (int) Math.min(100, (long) OVERPROVISIONING_PERCENT * healthy[i] / total[i]);
      sum = Math.min(100, sum + capacity[i]);
    }
    boolean[] panic = new boolean[count];
    boolean allPanic = count > 0 && panicPercent > 0;
    for (int i = 0; i < count; i++) {
      panic[i] = sum < 100 && total[i] > 0 && 100L * healthy[i] < (long) panicPercent * total[i];
      allPanic &= panic[i] || total[i] == 0;
    }
    if (allPanic && sum < 100) {
      return new PriorityLoads(share(total, sumOf(total)), panic);
    }
    return new PriorityLoads(share(capacity, sum), panic);
  }

  private static int sumOf(int[] values) {
    int sum = 0;
    for (int value : values) {
      sum += value;
    }
    return sum;
  }

  private static int[] share(int[] parts, int whole) {
    int[] percent = new int[parts.length];
    if (whole == 0) {
      return percent;
    }
    int left = 100;
    int first = -1;
    for (int i = 0; i < parts.length; i++) {
      percent[i] = (int) Math.min(left, Math.round(parts[i] * 100.0 / whole));
      left -= percent[i];
      if (first < 0 && parts[i] > 0) {
        first = i;
      }
    }
    if (first >= 0) {
      percent[first] += left;
    }
    return percent;
  }
}
