package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import java.util.List;

/** Header changes that configuration asks for: removals first, as Envoy does. */
public final class HeaderEdits {
  private HeaderEdits() {}

  /** Applies them; framing headers are never touched. */
  public static void apply(List<String> remove, List<HeaderValue> add, Headers headers) {
    for (int i = 0; i < remove.size(); i++) {
      HeaderName name = HeaderName.of(remove.get(i));
      if (!framing(name)) {
        headers.remove(name);
      }
    }
    for (int i = 0; i < add.size(); i++) {
      HeaderValue value = add.get(i);
      HeaderName name = HeaderName.of(value.name());
      if (framing(name)) {
        continue;
      }
      switch (value.append()) {
        case APPEND_IF_EXISTS_OR_ADD -> headers.add(value.name(), value.value());
        case ADD_IF_ABSENT -> {
          if (!headers.contains(name)) {
            headers.add(value.name(), value.value());
          }
        }
        case OVERWRITE_IF_EXISTS_OR_ADD -> headers.set(name, value.value());
        case OVERWRITE_IF_EXISTS -> {
          if (headers.contains(name)) {
            headers.set(name, value.value());
          }
        }
      }
    }
  }

  private static boolean framing(HeaderName name) {
    return name.equals(HeaderName.CONTENT_LENGTH)
        || name.equals(HeaderName.TRANSFER_ENCODING)
        || name.equals(HeaderName.CONNECTION)
        || name.equals(HeaderName.HOST);
  }
}
