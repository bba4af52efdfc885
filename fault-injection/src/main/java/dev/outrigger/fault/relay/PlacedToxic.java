package dev.outrigger.fault.relay;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.toxic.Toxic;

/**
 * A toxic of a relay.
 *
 * @param name unique in its relay
 * @param direction whose bytes it acts on
 * @param chance the share of connections that it hits, 0 to 1
 */
public record PlacedToxic(String name, Direction direction, Toxic toxic, double chance) {
  public PlacedToxic {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a toxic has a name");
    }
    if (Double.isNaN(chance)) {
      throw new IllegalArgumentException("a chance is a number from 0 to 1");
    }
  }
}
