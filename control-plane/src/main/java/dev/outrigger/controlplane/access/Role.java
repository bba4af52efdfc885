package dev.outrigger.controlplane.access;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What somebody may do; each may do what those before it may. */
public enum Role {
  /** Look. */
  VIEWER,
  /** Submit, run, pause and end experiments of its namespaces, and halt everything. */
  OPERATOR,
  /** Everything, such as lifting a halt, join tokens and who may do what. */
  ADMIN;

  public boolean covers(Role needed) {
    return compareTo(needed) >= 0;
  }

  /** As it is written. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Null where there is none of that name. */
  public static @Nullable Role of(String text) {
    for (Role role : values()) {
      if (role.text().equals(text)) {
        return role;
      }
    }
    return null;
  }
}
