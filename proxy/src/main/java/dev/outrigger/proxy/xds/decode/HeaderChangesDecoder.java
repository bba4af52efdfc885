package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.HeaderTemplate;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Headers that one level of a route table adds and removes. */
final class HeaderChangesDecoder {
  private static final Pattern NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
  private static final Set<String> PROTECTED = Set.of("host", "content-length", "connection");
  private static final int MAX_VALUE = 16 * 1024;

  private HeaderChangesDecoder() {}

  static HeaderChanges decode(
      List<HeaderValueOption> requestAdd,
      List<String> requestRemove,
      List<HeaderValueOption> responseAdd,
      List<String> responseRemove,
      Scope scope)
      throws InvalidResourceException {
    return new HeaderChanges(
        added(requestAdd, scope, "request_headers_to_add"),
        removed(requestRemove, scope, "request_headers_to_remove"),
        added(responseAdd, scope, "response_headers_to_add"),
        removed(responseRemove, scope, "response_headers_to_remove"));
  }

  private static List<HeaderValue> added(List<HeaderValueOption> options, Scope scope, String field)
      throws InvalidResourceException {
    List<HeaderValue> headers = new ArrayList<>();
    for (int i = 0; i < options.size(); i++) {
      HeaderValueOption option = options.get(i);
      Scope at = scope.in(field, i);
      Scope header = at.in("header");
      String name = name(option.getHeader().getKey(), header.in("key"));
      HeaderTemplate value = value(option.getHeader().getValue(), header.in("value"));
      headers.add(new HeaderValue(name, value, append(option, at), option.getKeepEmptyValue()));
    }
    return headers;
  }

  private static List<String> removed(List<String> names, Scope scope, String field)
      throws InvalidResourceException {
    List<String> read = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      read.add(name(names.get(i), scope.in(field, i)));
    }
    return read;
  }

  /** A header name, in lower case. */
  static String name(String text, Scope scope) throws InvalidResourceException {
    String name = scope.required(text).toLowerCase(Locale.ROOT);
    if (!NAME.matcher(name).matches()) {
      throw scope.refuse("'" + text + "' is no header name");
    }
    if (PROTECTED.contains(name)) {
      throw scope.refuse("'" + name + "' cannot be changed here");
    }
    return name;
  }

  private static HeaderTemplate value(String text, Scope scope) throws InvalidResourceException {
    if (text.length() > MAX_VALUE) {
      throw scope.refuse("is longer than " + MAX_VALUE + " characters");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < ' ' && c != '\t') || c == 0x7f) {
        throw scope.refuse("holds a control character");
      }
    }
    try {
      return HeaderTemplate.parse(text);
    } catch (IllegalArgumentException e) {
      throw scope.refuse(String.valueOf(e.getMessage()));
    }
  }

  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  private static Append append(HeaderValueOption option, Scope scope)
      throws InvalidResourceException {
    if (option.hasAppend()) {
      return option.getAppend().getValue()
          ? Append.APPEND_IF_EXISTS_OR_ADD
          : Append.OVERWRITE_IF_EXISTS_OR_ADD;
    }
    return switch (option.getAppendAction()) {
      case APPEND_IF_EXISTS_OR_ADD -> Append.APPEND_IF_EXISTS_OR_ADD;
      case ADD_IF_ABSENT -> Append.ADD_IF_ABSENT;
      case OVERWRITE_IF_EXISTS_OR_ADD -> Append.OVERWRITE_IF_EXISTS_OR_ADD;
      case OVERWRITE_IF_EXISTS -> Append.OVERWRITE_IF_EXISTS;
      case UNRECOGNIZED -> throw scope.in("append_action").refuse("is no known action");
    };
  }
}
