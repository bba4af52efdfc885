package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.CompiledChanges;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Header changes that configuration asks for, level after level. Within a level removals come
 * first; then all values are made of what is there; then those that overwrite are put there, then
 * those that are added. A value that turns out empty is not put there unless it is meant to be.
 */
public final class HeaderEdits {
  private HeaderEdits() {}

  /**
   * Applies them.
   *
   * @param response the answer, where it is its headers that are changed
   */
  public static void apply(
      List<CompiledChanges> levels,
      Headers headers,
      Exchange exchange,
      @Nullable ResponseHead response) {
    for (int i = 0; i < levels.size(); i++) {
      apply(levels.get(i), headers, exchange, response);
    }
  }

  private static void apply(
      CompiledChanges changes,
      Headers headers,
      Exchange exchange,
      @Nullable ResponseHead response) {
    for (int i = 0; i < changes.removals(); i++) {
      headers.remove(changes.removal(i));
    }
    int count = changes.values();
    if (count == 0) {
      return;
    }
    // All are made before any is put there: none sees what another of its level does.
    @Nullable String[] made = new @Nullable String[count];
    for (int i = 0; i < count; i++) {
      CompiledChanges.Value value = changes.value(i);
      String text = ExchangeText.of(value.template(), exchange, response);
      made[i] = wanted(value, text, headers) ? text : null;
    }
    for (int i = 0; i < count; i++) {
      String text = made[i];
      if (text != null && overwrites(changes.value(i).append())) {
        headers.set(changes.value(i).name(), text);
      }
    }
    for (int i = 0; i < count; i++) {
      String text = made[i];
      if (text != null && !overwrites(changes.value(i).append())) {
        headers.add(changes.value(i).name(), text);
      }
    }
  }

  private static boolean wanted(CompiledChanges.Value value, String text, Headers headers) {
    if (text.isEmpty() && !value.keepEmpty()) {
      return false;
    }
    return switch (value.append()) {
      case APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS_OR_ADD -> true;
      case ADD_IF_ABSENT -> !headers.contains(value.name());
      case OVERWRITE_IF_EXISTS -> headers.contains(value.name());
    };
  }

  private static boolean overwrites(Append append) {
    return switch (append) {
      case APPEND_IF_EXISTS_OR_ADD, ADD_IF_ABSENT -> false;
      case OVERWRITE_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS -> true;
    };
  }
}
