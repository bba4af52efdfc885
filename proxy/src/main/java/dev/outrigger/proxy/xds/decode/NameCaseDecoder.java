package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.Http1ProtocolOptions;
import io.envoyproxy.envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig;

/** How names of headers are written in HTTP/1.1. */
final class NameCaseDecoder {
  private NameCaseDecoder() {}

  static NameCase decode(Http1ProtocolOptions options, Scope scope)
      throws InvalidResourceException {
    Http1ProtocolOptions.HeaderKeyFormat format = options.getHeaderKeyFormat();
    Scope at = scope.in("header_key_format");
    return switch (format.getHeaderFormatCase()) {
      case HEADERFORMAT_NOT_SET -> NameCase.AS_WRITTEN;
      case PROPER_CASE_WORDS -> NameCase.PROPER;
      case STATEFUL_FORMATTER -> {
        if (!format.getStatefulFormatter().getTypedConfig().is(PreserveCaseFormatterConfig.class)) {
          at.in("stateful_formatter").in("typed_config").unsupported("expected preserve_case");
        }
        yield NameCase.AS_WRITTEN; // as always
      }
    };
  }
}
