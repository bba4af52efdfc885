package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Headers that a route adds and removes, with those of its virtual host and table. */
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

  /** As if the first were applied, then the second. */
  static HeaderChanges then(HeaderChanges first, HeaderChanges second) {
    if (second.equals(HeaderChanges.NONE)) {
      return first;
    }
    return new HeaderChanges(
        chain(first.requestAdd(), second.requestRemove(), second.requestAdd()),
        join(first.requestRemove(), second.requestRemove()),
        chain(first.responseAdd(), second.responseRemove(), second.responseAdd()),
        join(first.responseRemove(), second.responseRemove()));
  }

  private static List<HeaderValue> chain(
      List<HeaderValue> before, List<String> removed, List<HeaderValue> after) {
    List<HeaderValue> all = new ArrayList<>();
    for (HeaderValue header : before) {
      if (!removed.contains(header.name())) {
        all.add(header);
      }
    }
    all.addAll(after);
    return all;
  }

  private static List<String> join(List<String> first, List<String> second) {
    Set<String> seen = new HashSet<>();
    List<String> all = new ArrayList<>();
    for (List<String> names : List.of(first, second)) {
      for (String name : names) {
        if (seen.add(name)) {
          all.add(name);
        }
      }
    }
    return all;
  }

  private static List<HeaderValue> added(List<HeaderValueOption> options, Scope scope, String field)
      throws InvalidResourceException {
    List<HeaderValue> headers = new ArrayList<>();
    for (int i = 0; i < options.size(); i++) {
      HeaderValueOption option = options.get(i);
      Scope at = scope.in(field, i);
      Scope header = at.in("header");
      String name = name(option.getHeader().getKey(), header.in("key"));
      String value = value(option.getHeader().getValue(), header.in("value"));
      headers.add(new HeaderValue(name, value, append(option, at)));
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

  private static String name(String text, Scope scope) throws InvalidResourceException {
    String name = scope.required(text).toLowerCase(Locale.ROOT);
    if (!NAME.matcher(name).matches()) {
      throw scope.refuse("'" + text + "' is no header name");
    }
    if (PROTECTED.contains(name)) {
      throw scope.refuse("'" + name + "' cannot be changed here");
    }
    return name;
  }

  /**
   * Variables such as {@code %DOWNSTREAM_REMOTE_ADDRESS%} are Envoy's; a percent sign is doubled.
   */
  private static String value(String text, Scope scope) throws InvalidResourceException {
    if (text.length() > MAX_VALUE) {
      throw scope.refuse("is longer than " + MAX_VALUE + " characters");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < ' ' && c != '\t') || c == 0x7f) {
        throw scope.refuse("holds a control character");
      }
    }
    String plain = text.replace("%%", "\0");
    if (plain.indexOf('%') >= 0) {
      throw scope.refuse("'" + text + "' holds a variable, which is not supported; write %% for %");
    }
    return plain.replace('\0', '%');
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
