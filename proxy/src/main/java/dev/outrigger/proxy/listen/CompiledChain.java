package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.http.HttpSettings;
import dev.outrigger.tls.ServerTls;
import org.jspecify.annotations.Nullable;

/**
 * A filter chain, ready for connections. Immutable.
 *
 * @param tls null takes bytes as they are
 * @param http what exchanges go by; null for a chain that relays bytes
 */
record CompiledChain(
    FilterChainConfig config, @Nullable ServerTls tls, @Nullable HttpSettings http) {}
